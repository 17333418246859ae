const maxNameChars = 60

/** Characters that are invisible or change the direction of text. */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu
const piledMarks = /(\p{M}{2})\p{M}+/gu
/** Ticks, shields and the like, which say "verified" where nobody has verified anything; ASCII's symbols are in names. */
const pictures = /(?![!-~])[\p{So}\p{Sk}\p{Sm}\p{Emoji_Presentation}]|\u20e3/gu
/** No two of them share a word in any language; those of East Asia, which do, look like none of these. */
const alphabets = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Georgian', 'Cherokee', 'Coptic', 'Hebrew', 'Arabic'].map(
  (name) => new RegExp(`\\p{Script=${name}}`, 'u'),
)
/** Letters of Cyrillic and Greek that look like Latin ones. */
const likeLatin = /^[АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧορνυ]+$/u
const disguised = 'App with a misleading name'

/** Whether a word mixes alphabets, or nothing but letters that look like Latin ones is not Latin (UTS 39, sections 4 and 5). */
function isDisguised(name: string): boolean {
  const words = name.match(/[\p{L}\p{M}]+/gu) ?? []
  if (words.some((word) => alphabets.filter((alphabet) => alphabet.test(word)).length > 1)) return true
  return likeLatin.test(words.join('').replaceAll(/[\p{Script=Latin}\p{M}]/gu, ''))
}

/**
 * A name that is safe to show: on one line, without invisible characters and pictures, not too long, in letters that are
 * what they look like.
 */
export function displayName(name: unknown, fallback: string): string {
  if (typeof name !== 'string') return fallback
  // Tabs and line breaks first: they are control characters too, and would leave words run together.
  const shown = name
    .normalize('NFKC')
    .replaceAll(/[\t-\r]/g, ' ')
    .replaceAll(unseen, '')
    .replaceAll(pictures, '')
    .replaceAll(piledMarks, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim()
  if (shown === '') return fallback
  if (isDisguised(shown)) return disguised
  const characters = [...shown]
  return characters.length > maxNameChars ? `${characters.slice(0, maxNameChars - 1).join('')}…` : shown
}
