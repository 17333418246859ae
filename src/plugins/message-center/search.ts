/** Searches posts by words and phrases, and scores how well a post matches. */

/** A text as it is searched: in lower case, with one kind of space, hyphen and apostrophe, without what nobody sees. */
export type Searchable = string & { readonly searchable: unique symbol }

export function searchable(text: string): Searchable {
  return normalized(text).toLowerCase() as Searchable
}

/** Whatever is not a single blank: to replace each of those by itself would cost more than all else. */
const manySpaces = /[^\S ]\s*| \s+/g

function normalized(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/[\u2010-\u2015\u2212]/g, '-')
    .replaceAll(/[\u2018\u2019\u02bc]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"')
    .replaceAll(manySpaces, ' ')
}

/** Shorter words are found as whole words only: "AI" begins many others. */
const shortestBeginning = 3
const maxTerms = 20

/** The terms of a search; none where it holds neither a letter nor a figure. */
export function termsOf(search: string): string[] {
  const found = [...searchable(search).matchAll(/"([^"]+)"|([^\s"]+)/g)]
  const terms = found.map(([, phrase, word]) => trimmed(phrase ?? word ?? ''))
  return [...new Set(terms)].filter((term) => term !== '').slice(0, maxTerms)
}

/** Whether a search has what is an operator elsewhere, outside of quotes: OR, NOT, -word. As words they would mislead. */
export function hasOperator(search: string): boolean {
  return /(?:^|[\s(])(?:(?:OR|NOT|\|{1,2})(?=\s|$)|-(?=[\p{L}"]))/u.test(
    normalized(search).replaceAll(/"[^"]+"/g, '""'),
  )
}

/** Without the punctuation around it: C# and C++ keep theirs. */
function trimmed(term: string): string {
  return /[\p{L}\p{N}](?:.*[\p{L}\p{N}+#])?/u.exec(term)?.[0] ?? ''
}

/** What a post offers to a search, most telling first. */
export interface SearchFields {
  readonly title: Searchable
  /** Id, summary, services, tags, platforms. */
  readonly about: Searchable
  /** The rendered body, where it is read. */
  readonly text: Searchable | undefined
}

/**
 * How well a post matches: 0 where a term does not occur in it. A term is found as a whole word or as the beginning of
 * one; whole words count for more, and most of all in the title.
 */
export function scoreOf(terms: readonly string[], { title, about, text }: SearchFields): number {
  let score = 0
  for (const term of terms) {
    const found = Math.max(
      10 * occurrence(term, title),
      4 * occurrence(term, about),
      text === undefined ? 0 : 2 * occurrence(term, text),
    )
    if (found === 0) return 0
    score += found
  }
  return score
}

/** Whether a text has a word, or several in a row. */
export function isWordOf(text: Searchable, words: Searchable): boolean {
  return words !== '' && occurrence(words, text) === 1
}

/** Whether a text has these words as a name: Forms, and not forms. A name has a capital somewhere, as iOS has. */
export function isNameIn(text: string, words: Searchable): boolean {
  const [given, lower] = [normalized(text), searchable(text)]
  for (let at = lower.indexOf(words); at !== -1; at = lower.indexOf(words, at + 1)) {
    const end = at + words.length
    if (isWordCharacter(lower[at - 1]) || isWordCharacter(lower[end])) continue
    if (given.length !== lower.length || given.slice(at, end) !== words || !/\p{L}/u.test(words)) return true
  }
  return false
}

/** 1 as a whole word, a half as the beginning of one, 0 not at all. */
function occurrence(term: string, text: Searchable): number {
  let found = 0
  for (let at = text.indexOf(term); at !== -1; at = text.indexOf(term, at + 1)) {
    if (isWordCharacter(text[at - 1])) continue
    if (!isWordCharacter(text[at + term.length])) return 1
    if (term.length >= shortestBeginning) found = 0.5
  }
  return found
}

const wordCharacter = /[\p{L}\p{N}]/u

function isWordCharacter(char: string | undefined): boolean {
  return char !== undefined && wordCharacter.test(char)
}
