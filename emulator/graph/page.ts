export interface Page<T> {
  items: readonly T[]
  /** Where the next page starts and how much of `$top` is left for it; null on the last page. */
  next: { skip: number; top: number | null } | null
}

/**
 * Cuts one page. A `$top` that fits on a page gets no next link, as Graph has it; a larger one is
 * counted down from link to link.
 */
export function pageOf<T>(found: readonly T[], asked: { skip: number; top: number | null }, pageSize: number): Page<T> {
  const wanted = asked.top ?? Number.POSITIVE_INFINITY
  const size = Math.min(wanted, pageSize)
  const reached = asked.skip + size
  const more = wanted > size && reached < found.length
  return {
    items: found.slice(asked.skip, reached),
    next: more ? { skip: reached, top: asked.top === null ? null : asked.top - size } : null,
  }
}

/** The same question from another place on: every option is kept but `$skip` and `$top`. */
export function nextLinkOf(address: string, query: URLSearchParams, next: NonNullable<Page<unknown>['next']>): string {
  const kept = [...query].filter(([name]) => name !== '$skip' && name !== '$top')
  if (next.top !== null) kept.push(['$top', `${next.top}`])
  kept.push(['$skip', `${next.skip}`])
  return `${address}?${kept.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}`
}

/** As `encodeURIComponent`, but `$` stays readable, as in Graph's own links. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%24', '$')
}
