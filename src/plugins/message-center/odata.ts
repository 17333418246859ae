/**
 * OData 4.01 filter expressions, built from parts that cannot break out of their place.
 * Source: OASIS, "OData Version 4.01. Part 2: URL Conventions", sections 5.1.1 and 5.1.1.11.
 */

/** A string literal: quotes are doubled, everything else is the URL encoder's business. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** All of the given conditions; undefined where there is none. */
export function and(conditions: readonly (string | undefined)[]): string | undefined {
  const given = conditions.filter((condition) => condition !== undefined)
  return given.length === 0 ? undefined : given.join(' and ')
}

/** At least one of the given conditions, in parentheses; undefined where there is none. */
export function or(conditions: readonly string[]): string | undefined {
  return conditions.length === 0 ? undefined : `(${conditions.join(' or ')})`
}

/** Whether a raw expression can stand in parentheses: its own are balanced, and its strings end. */
export function isSelfContained(expression: string): boolean {
  let depth = 0
  let isInString = false
  for (const char of expression) {
    if (char === "'") isInString = !isInString
    if (isInString) continue
    if (char === '(') depth++
    if (char === ')' && --depth < 0) return false
  }
  return depth === 0 && !isInString
}
