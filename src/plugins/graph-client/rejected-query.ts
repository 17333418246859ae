import { Failure } from '../../errors/index.ts'
import { graphMessageOf } from './failures.ts'

/** A rejection of Graph (400) that says that the caller's own filter is the reason. */
export function namingFilter({ reason, details: { detail, ...details } }: Failure): Failure {
  const source = 'It came from the argument "filter".'
  return new Failure(reason, { ...details, detail: detail === undefined ? source : `${source} ${detail}` })
}

/** Whether Graph rejected a field of `select`, which no argument speaks of, and not the caller's filter. */
export function isAboutSelect(rejection: Failure, filter: string, select: string): boolean {
  const fields = select.toLowerCase().split(',')
  const named = namesIn(rejection)
  if (named.some((name) => filter.toLowerCase().includes(name))) return false
  return /\$?\bselect\b/i.test(graphMessageOf(rejection)) || named.some((name) => fields.includes(name))
}

/** What Graph's sentence has in quotes, in lower case: "Could not find a property named 'x' on type 'y'". */
function namesIn(rejection: Failure): string[] {
  const quoted = graphMessageOf(rejection).matchAll(/(?<!\w)'([^']{1,200})'|"([^"]{1,200})"/g)
  return [...quoted].map(([, single, double]) => (single ?? double ?? '').toLowerCase())
}
