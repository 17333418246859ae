import { isUtf8 } from 'node:buffer'
import { parseJson } from '../../lib/parse-json.ts'

/** Far deeper than any tool call, far shallower than what exhausts a stack. */
const maxDepth = 64
/** A string from its quote on, and the colon that makes it a key. One that does not end is the parser's to judge. */
const stringAndColon = /("[^"\\]*(?:\\.[^"\\]*)*"?)([ \t\n\r]*:)?/sy

/**
 * Whether JSON text is fit to be parsed and passed on: plain UTF-8 (RFC 8259 section 8.1), not too deep, and without a key
 * twice in one object (section 4), which two readers could take differently.
 *
 * @param bytes a request's body
 * @returns what is wrong with it, or undefined; syntax is the parser's to judge
 */
export function jsonError(
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
        stringAndColon.lastIndex = i
        const [whole = '"', string = '"', colon] = stringAndColon.exec(text) ?? []
        if (colon !== undefined) {
          const key = unescaped(string)
          const seen = keys.at(-1)
          if (seen?.has(key)) return 'a key occurs twice'
          seen?.add(key)
        }
        i += whole.length - 1
      }
    }
  }
  return undefined
}

function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted
  const key = parseJson(quoted)
  return key === undefined ? quoted : JSON.stringify(key)
}
