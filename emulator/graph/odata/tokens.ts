import { badRequest } from '../errors.ts'

export interface Token {
  kind: 'string' | 'dateTime' | 'number' | 'word' | 'mark' | 'end'
  text: string
  /** Offset in characters, for error messages. */
  position: number
}

/** One alternative per kind, longest first: a date-time starts like a number. OData 4.01 ABNF, "Names and identifiers" and "Literal Data Values". */
const pattern = new RegExp(
  [
    /(?<string>'(?:[^']|'')*')/,
    /(?<dateTime>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d))?)/,
    /(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/,
    /(?<word>[\p{L}_$][\p{L}\p{N}_.]*)/u,
    /(?<mark>[(),:/])/,
  ]
    .map((alternative) => alternative.source)
    .join('|'),
  'uy',
)

const kinds = ['string', 'dateTime', 'number', 'word', 'mark'] as const

const blank = /[ \t]*/y

/** Splits an expression into tokens, the last of kind `end`. @throws GraphError 400 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = []
  let position = afterBlanks(source, 0)
  while (position < source.length) {
    const token = tokenAt(source, position)
    tokens.push(token)
    position = afterBlanks(source, position + token.text.length)
  }
  tokens.push({ kind: 'end', text: '', position: source.length })
  return tokens
}

function tokenAt(source: string, position: number): Token {
  pattern.lastIndex = position
  const groups = pattern.exec(source)?.groups
  for (const kind of kinds) {
    const text = groups?.[kind]
    if (text !== undefined) return { kind, text, position }
  }
  if (source[position] === "'") {
    throw badRequest(`There is an unterminated string literal at position ${source.length} in '${source}'.`)
  }
  throw badRequest(`Syntax error: character '${source[position]}' is not valid at position ${position} in '${source}'.`)
}

function afterBlanks(source: string, position: number): number {
  blank.lastIndex = position
  blank.test(source)
  return blank.lastIndex
}
