import { AadstsError } from './aadsts.ts'

/** Single-valued parameters; an empty value counts as absent (RFC 6749 §3.1). */
export type Parameters = Readonly<Record<string, string | undefined>>

/** @throws {AadstsError} 9000411 where a parameter is repeated */
export function singleValued(search: URLSearchParams): Parameters {
  const values = new Map<string, string>()
  for (const [name, value] of search) {
    if (values.has(name)) throw new AadstsError(9000411, { parameter: name })
    values.set(name, value)
  }
  return Object.fromEntries([...values].filter(([, value]) => value !== ''))
}

/** @throws {AadstsError} 900144 where it is missing */
export function required(parameters: Parameters, name: string): string {
  const value = parameters[name]
  if (value === undefined) throw new AadstsError(900144, { parameter: name })
  return value
}
