// A component that is drawn again only where a property has changed, by identity. (preact/compat has this too, with ten
// kilobytes of React beside it.)

import { Component, type ComponentType, type FunctionComponent } from 'preact';

export function memo<P extends object>(Draw: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const old = this.props as Readonly<Record<string, unknown>>;
      const fresh = next as Readonly<Record<string, unknown>>;
      const keys = Object.keys(fresh);
      return keys.length !== Object.keys(old).length || keys.some((key) => old[key] !== fresh[key]);
    }

    override render() {
      return <Draw {...(this.props as P)} />;
    }
  };
}
