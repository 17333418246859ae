import { isUtf8 } from 'node:buffer'
import { parseJson } from '../../lib/parse-json.ts'

/** Far deeper than any tool call, far shallower than what exhausts a stack. */
const maxDepth = 64

/**
 * Whether JSON text is fit to be parsed and passed on: plain UTF-8 (RFC 8259 section 8.1), not too deep, and without a key
 * twice in one object (section 4), which two readers could take differently.
 *
 * @param bytes a request's body
 * @returns what is wrong with it, or undefined; syntax is the parser's to judge
 */
export function jsonFault(
  bytes: Buffer,
): 'not UTF-8' | 'a byte order mark' | 'nested too deeply' | 'a key occurs twice' | undefined {
  if (!isUtf8(bytes)) return 'not UTF-8'
  const text = bytes.toString()
  if (text.startsWith('\ufeff')) return 'a byte order mark'
  const keys: (Set<string> | undefined)[] = []
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '{':
      case '[':
        if (keys.length >= maxDepth) return 'nested too deeply'
        keys.push(text[i] === '{' ? new Set() : undefined)
        break
      case '}':
      case ']':
        keys.pop()
        break
      case '"': {
        const end = endOfString(text, i)
        if (isKey(text, end)) {
          const key = unescaped(text.slice(i, end + 1))
          const seen = keys.at(-1)
          if (seen?.has(key)) return 'a key occurs twice'
          seen?.add(key)
        }
        i = end
      }
    }
  }
  return undefined
}

/** Whether a colon follows the string that ends here. */
function isKey(text: string, end: number): boolean {
  let next = end + 1
  while (next < text.length && ' \t\n\r'.includes(text[next] ?? '')) next++
  return text[next] === ':'
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text[index - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted
  const key = parseJson(quoted)
  return key === undefined ? quoted : JSON.stringify(key)
}
