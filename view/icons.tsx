import type { Kind } from './timeline-events.ts'

/** Shapes differ as much as colours do: diamond, square, circle, triangle. */
const shapes: Readonly<Record<Kind, string>> = {
  deadline: 'M8 1 15 8 8 15 1 8Z',
  retirement: 'M2 2h12v12H2Z',
  rollout: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13Z',
  other: 'M8 2 15 14H1Z',
}

export function KindIcon({ kind }: { readonly kind: Kind }) {
  return <Icon className={`kind ${kind}`} path={shapes[kind]} />
}

const paths = {
  back: 'M10.5 2.5 5 8l5.5 5.5-1 1L3 8l6.5-6.5Z',
  calendar:
    'M5 1h1.5v1.5h3V1H11v1.5h1.5A1.5 1.5 0 0 1 14 4v8.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 12.5V4a1.5 1.5 0 0 1 1.5-1.5H5ZM3.5 6.5v6h9v-6Z',
  external:
    'M3.5 3H7v1.5H3.5v8h8V9H13v3.5a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 2 12.5v-8A1.5 1.5 0 0 1 3.5 3ZM9 2h5v5h-1.5V4.56L8.03 9.03 6.97 7.97l4.47-4.47H9Z',
  fullscreen: 'M2 2h4.5v1.5h-3v3H2ZM9.5 2H14v4.5h-1.5v-3h-3ZM2 9.5h1.5v3h3V14H2ZM12.5 9.5H14V14H9.5v-1.5h3Z',
  refresh: 'M8 2.5a5.5 5.5 0 0 1 4.5 2.34V2.5H14V7.5H9V6h2.65A4 4 0 1 0 12 8h1.5A5.5 5.5 0 1 1 8 2.5Z',
  search: 'M7 2a5 5 0 0 1 4 8l3.3 3.24-1.06 1.06L10 11a5 5 0 1 1-3-9Zm0 1.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z',
  star: 'M8 1.5l2 4.2 4.6.6-3.4 3.2.9 4.6L8 11.8l-4.1 2.3.9-4.6L1.4 6.3 6 5.7Z',
  warning: 'M8 1.2 15.2 14H.8ZM7.25 6v4h1.5V6Zm0 5v1.5h1.5V11Z',
} as const

export function Glyph({ name }: { readonly name: keyof typeof paths }) {
  return <Icon className={`glyph ${name}`} path={paths[name]} />
}

function Icon({ className, path }: { readonly className: string; readonly path: string }) {
  return (
    <svg class={className} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={path} fill-rule="evenodd" />
    </svg>
  )
}
