// How the page is built: four files of fixed names, since the binary embeds them and a snapshot inlines them.
import { defineConfig } from 'vitest/config';

// A snapshot lays the script into an HTML file, where these would end its element early.
const ENDS_A_SCRIPT = /<\/script|<!--/i;

const SCRIPT_TAG = '<script type="module" src="/assets/app.js"></script>';
const STYLE_TAG = '<link rel="stylesheet" href="/assets/app.css">';

/** Writes the two tags in one exact form, which the server replaces where it inlines the files into a snapshot. */
const plainTags = {
  name: 'synchost-plain-tags',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => {
      const plain = html
        .replace(/<script[^>]*src="\/assets\/app\.js"[^>]*><\/script>/, SCRIPT_TAG)
        .replace(/<link[^>]*href="\/assets\/app\.css"[^>]*>/, STYLE_TAG);
      if (!plain.includes(SCRIPT_TAG) || !plain.includes(STYLE_TAG)) throw new Error('index.html has no plain tags for its two files');
      return plain;
    },
  },
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk' && ENDS_A_SCRIPT.test(file.code)) {
        this.error(`${file.fileName} holds "</script" or "<!--": a snapshot could not hold it`);
      }
    }
  },
};

/** Gives the development server's page the token of the watch that it stands in front of. */
const tokenOf = (target) => ({
  name: 'synchost-token',
  apply: 'serve',
  async transformIndexHtml(html) {
    const page = await fetch(target).then((answer) => answer.text(), () => '');
    const tag = /<meta name="synchost-token" content="[^"]*">/;
    return html.replace(tag, page.match(tag)?.[0] ?? '$&');
  },
});

const watch = process.env.SYNCHOST_UI ?? 'http://127.0.0.1:4300';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  plugins: [plainTags, tokenOf(watch)],
  build: {
    target: 'es2022',
    sourcemap: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    emptyOutDir: false,
    rollupOptions: {
      output: { entryFileNames: 'assets/app.js', assetFileNames: 'assets/app[extname]', inlineDynamicImports: true },
    },
  },
  server: {
    host: '127.0.0.1',
    // The watch answers only its own Host and Origin.
    proxy: { '/api': { target: watch, changeOrigin: true, headers: { origin: watch } }, '/snapshot.html': watch },
  },
  test: { environment: 'node', include: ['test/**/*.test.ts'] },
});
