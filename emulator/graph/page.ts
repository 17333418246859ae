export interface Page<T> {
  items: readonly T[]
  /** Start of the next page and the rest of `$top`; null on the last page. */
  next: { skip: number; top: number | null } | null
}

/**
 * Cuts one page. A `$top` that fits on a page gets no next link, as in Graph; a larger one is counted down from link to
 * link.
 */
export function pageOf<T>(
  found: readonly T[],
  options: { skip: number; top: number | null },
  pageSize: number,
): Page<T> {
  const limit = options.top ?? Number.POSITIVE_INFINITY
  const size = Math.min(limit, pageSize)
  const end = options.skip + size
  const more = limit > size && end < found.length
  return {
    items: found.slice(options.skip, end),
    next: more ? { skip: end, top: options.top === null ? null : options.top - size } : null,
  }
}

/** The link to the next page: the same query with other `$skip` and `$top`. */
export function nextLinkOf(address: string, query: URLSearchParams, next: NonNullable<Page<unknown>['next']>): string {
  const parameters = [...query].filter(([name]) => name !== '$skip' && name !== '$top')
  if (next.top !== null) parameters.push(['$top', `${next.top}`])
  parameters.push(['$skip', `${next.skip}`])
  return `${address}?${parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}`
}

/** As `encodeURIComponent`, but `$` stays readable, as in Graph's own links. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%24', '$')
}
