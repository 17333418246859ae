/**
 * Whether the parentheses of an OData expression are balanced, and its strings end. Graph rejects any other, and does not
 * always say where it is wrong.
 */
export function isBalanced(expression: string): boolean {
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
