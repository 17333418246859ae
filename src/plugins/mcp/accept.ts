/** The media ranges that `application/json` matches, the most specific first. */
const jsonRanges = ['application/json', 'application/*', '*/*']

/**
 * Whether a client accepts JSON (RFC 9110 section 12.5.1): of the media ranges that match, the most specific decides, and
 * a weight of 0 excludes what it names. Clients without the header, or with an empty one, accept everything.
 *
 * Parameters of a range other than its weight are ignored, as is a weight that is not a number. That is why this is not
 * left to negotiator, which finds no JSON in `application/json;charset=utf-8`.
 */
export function acceptsJson(accept = ''): boolean {
  const isAccepted = new Map<string, boolean>()
  for (const element of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = element.split(';').map((part) => part.trim())
    const isExcluded = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    // A range that is listed twice, with different parameters, is accepted where one of them is.
    if (range !== '') isAccepted.set(range, !isExcluded || isAccepted.get(range) === true)
  }
  const decisive = jsonRanges.find((range) => isAccepted.has(range))
  return isAccepted.size === 0 || (decisive !== undefined && isAccepted.get(decisive) === true)
}
