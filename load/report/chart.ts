import type { Axis } from './axis.ts'

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Chart {
  readonly title: string
  /** With the unit. */
  readonly xLabel: string
  readonly yLabel: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  /** Where something begins, such as a phase. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[]
}

const width = 760
const height = 300
const plot = { left: 70, right: 32, top: 14, bottom: 44 }
const plotWidth = width - plot.left - plot.right
const plotHeight = height - plot.top - plot.bottom
/** As many as can be told apart; a line beyond them is dashed otherwise. */
const colours = 8
const dashes = ['', '7 4', '2 3']

/** A line chart as an SVG element, whose colours are the page's (`--line-0` …), with a legend of HTML below it. */
export function chartHtml(chart: Chart): string {
  const { title, xLabel, yLabel, x, y, lines, marks = [] } = chart
  const left = (value: number) => round(plot.left + x.at(value) * plotWidth)
  const top = (value: number) => round(plot.top + (1 - y.at(value)) * plotHeight)
  const bottom = plot.top + plotHeight
  return `<figure>
<figcaption>${escaped(title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
${y.ticks
  .map(
    ({ value, label }) =>
      `<line class="grid" x1="${plot.left}" x2="${width - plot.right}" y1="${top(value)}" y2="${top(value)}"/><text class="tick" x="${plot.left - 8}" y="${top(value) + 4}" text-anchor="end">${escaped(label)}</text>`,
  )
  .join('\n')}
${x.ticks
  .map(
    ({ value, label }) =>
      `<line class="grid" x1="${left(value)}" x2="${left(value)}" y1="${plot.top}" y2="${bottom}"/><text class="tick" x="${left(value)}" y="${bottom + 17}" text-anchor="middle">${escaped(label)}</text>`,
  )
  .join('\n')}
${marks
  .map(
    ({ x: value }, index) =>
      `<line class="mark" x1="${left(value)}" x2="${left(value)}" y1="${plot.top}" y2="${bottom}"/><text class="tick" x="${left(value) + 3}" y="${plot.top + 10}">${index + 1}</text>`,
  )
  .join('\n')}
${lines.map((line, index) => path(line, index, left, top)).join('\n')}
<text class="label" x="${plot.left + plotWidth / 2}" y="${height - 6}" text-anchor="middle">${escaped(xLabel)}</text>
<text class="label" transform="translate(14 ${plot.top + plotHeight / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>
</svg>
${legend(lines)}${phases(marks)}
</figure>`
}

/** What is no number, such as a latency where nothing was answered, leaves a gap. */
function path({ name, points }: Line, index: number, left: (x: number) => number, top: (y: number) => number): string {
  let isDrawing = false
  const steps = points.map(([x, y]) => {
    const isNumber = Number.isFinite(x) && Number.isFinite(y)
    const step = isNumber ? `${isDrawing ? 'L' : 'M'}${left(x)} ${top(y)}` : ''
    isDrawing = isNumber
    return step
  })
  return `<path class="line" style="stroke:var(--line-${index % colours})"${dash(index)} d="${steps.join('')}"><title>${escaped(name)}</title></path>`
}

function legend(lines: readonly Line[]): string {
  const items = lines.map(
    ({ name }, index) =>
      `<li><svg viewBox="0 0 28 10" aria-hidden="true"><line class="line" style="stroke:var(--line-${index % colours})"${dash(index)} x1="1" x2="27" y1="5" y2="5"/></svg>${escaped(name)}</li>`,
  )
  return `<ul class="legend">${items.join('')}</ul>`
}

function phases(marks: readonly { readonly label: string }[]): string {
  if (marks.length === 0) return ''
  return `<ol class="phases">${marks.map(({ label }) => `<li>${escaped(label)}</li>`).join('')}</ol>`
}

function dash(index: number): string {
  const pattern = dashes[Math.floor(index / colours) % dashes.length]
  return pattern === '' || pattern === undefined ? '' : ` stroke-dasharray="${pattern}"`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** A text as HTML and as XML have it, in an attribute too. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
