// The page's icons: strokes on a grid of 16, drawn in the colour of the text around. They never speak: what they mean stands
// beside them, or in the label of the button that holds them.

const PATHS = {
  restart: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.8h-2.8',
  rebuild: 'M8 1.8 13.5 4.8v6.4L8 14.2 2.5 11.2V4.8zM2.5 4.8 8 7.8l5.5-3M8 7.8v6.4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.5 8z',
  stop: 'M4 4h8v8H4z',
  logs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  alert: 'M8 2 1.8 13h12.4zM8 6.5v3M8 11.3v.2',
  external: 'M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.2 2.8 7.5 8.5',
  services: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  activity: 'M1.5 8.5h3l2-5.5 3 10 2-4.5h3',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.3v1.5M8 13.2v1.5M1.3 8h1.5M13.2 8h1.5M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1',
  moon: 'M13.3 9.6A5.6 5.6 0 0 1 6.4 2.7a5.6 5.6 0 1 0 6.9 6.9z',
  contrast: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 2v12',
  download: 'M8 2.5v7.5M5 7.2l3 3 3-3M2.8 13.3h10.4',
  help: 'M6 6a2 2 0 1 1 2.7 1.9c-.5.2-.7.6-.7 1.1v.4M8 11.7v.1M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z',
  copy: 'M5.5 5.5h8v8h-8zM3.8 10.5H2.5v-8h8v1.3',
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  back: 'M10 3.5 5.5 8l4.5 4.5',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.2 3.2',
  wrap: 'M2.5 4h11M2.5 8h9a2.2 2.2 0 0 1 0 4.4H8.5M10 10.7l-1.7 1.7L10 14.1M2.5 12h3',
  older: 'M8 13V3.5M4 7.2l4-4 4 4',
  down: 'M8 3v9.5M4 8.8l4 4 4-4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <rect width="16" height="16" rx="4" />
      <path d="M4.2 6.4h6.3L8.6 4.5M11.8 9.6H5.5l1.9 1.9" />
    </svg>
  );
}
