/** Where a value stands on an axis: 0 at its beginning, 1 at its end. */
export interface Axis {
  readonly at: (value: number) => number
  readonly ticks: readonly { readonly value: number; readonly label: string }[]
}

/** From 0 to a round number that is at least `most`, with some five ticks. */
export function linearAxis(most: number): Axis {
  const step = roundStep((most > 0 ? most : 1) / 5)
  const end = Math.max(step, Math.ceil(most / step - 1e-9) * step)
  const count = Math.round(end / step)
  return {
    at: (value) => value / end,
    ticks: Array.from({ length: count + 1 }, (_, index) => tick(Number((index * step).toPrecision(12)))),
  }
}

/** From a power of ten to another one, with a tick at each, and at 2 and 5 times it where there are few. */
export function logarithmicAxis(least: number, most: number): Axis {
  const first = Math.floor(Math.log10(Math.max(least, 1e-6)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(most, least, 1e-6)) - 1e-9))
  const factors = last - first <= 2 ? [1, 2, 5] : [1]
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
    .flatMap((power) => factors.map((factor) => Number((power * factor).toPrecision(12))))
    .filter((value) => value <= 10 ** last * (1 + 1e-9))
  return { at: (value) => (Math.log10(Math.max(value, 10 ** first)) - first) / (last - first), ticks: ticks.map(tick) }
}

/** Percentiles by the share that is beyond them: as far from 90 to 99 as from 99 to 99.9, where the trouble is. */
export function percentileAxis(): Axis {
  const end = 4
  return {
    at: (percentile) => Math.min(1, Math.log10(1 / Math.max(1 - percentile / 100, 10 ** -end)) / end),
    ticks: [0, 50, 90, 99, 99.9, 99.99].map((value) => ({ value, label: value === 0 ? 'min' : `${value} %` })),
  }
}

function tick(value: number) {
  return { value, label: value >= 10_000 ? value.toLocaleString('en-US') : String(value) }
}

/** 1, 2 or 5 times a power of ten, at least as large as asked for. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9)) ?? least
}
