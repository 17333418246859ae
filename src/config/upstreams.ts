/** The addresses of Entra, Graph and the roadmap. */

import { isLoopback } from '../lib/loopback.ts'
import { baseUrlOf, type Environment, EnvironmentSchema, originOf, type Report } from './environment.ts'

/** URLs without a trailing slash: https, but on a developer's loopback. */
export function readUpstreams(
  valid: Environment,
  { production, report }: { readonly production: boolean; readonly report: Report },
) {
  /** Its default where it is not set, off or reported. */
  const read = (
    name: 'ENTRA_AUTHORITY_HOST' | 'GRAPH_BASE_URL' | 'ROADMAP_URL',
    parse: (value: string) => string | undefined,
    expected: string,
  ) => {
    const { default: fallback = '' } = EnvironmentSchema.properties[name]
    const own = valid[name] ?? 'off'
    const url = parse(own === 'off' ? fallback : own)
    if (url === undefined) report(name, 'invalid', `must be ${expected}`)
    else if (url.startsWith('http:') && (production || !isLoopback(new URL(url).hostname))) {
      report(name, 'unsafe', `must be https ${production ? 'in production' : 'unless it is a loopback address'}`)
    }
    return url ?? fallback
  }
  const authorityHost = read('ENTRA_AUTHORITY_HOST', originOf, 'an origin without a path')
  const graphBaseUrl = read('GRAPH_BASE_URL', baseUrlOf, 'a URL without a query')
  const roadmapUrl = read('ROADMAP_URL', baseUrlOf, 'a URL without a query, or off')

  const tryItUrl = baseUrlOf(valid.TRY_IT_URL ?? '')
  if (valid.TRY_IT_URL !== undefined) {
    const isHere = tryItUrl !== undefined && isLoopback(new URL(tryItUrl).hostname)
    if (production) report('TRY_IT_URL', 'unsafe', 'must not be set in production')
    if (!isHere) report('TRY_IT_URL', 'invalid', 'must be a loopback URL without a query')
  }
  return { authorityHost, graphBaseUrl, roadmapUrl, tryItUrl }
}
