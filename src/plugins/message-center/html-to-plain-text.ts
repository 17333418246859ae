import { compile } from 'html-to-text'
import { anchor, image, list, table, unlessHidden } from './html-formatters.ts'
import { withRoadmapIds } from './links.ts'

/** Several times the longest post seen. What a post costs grows with its length, and with its nesting up to the limits. */
const maxHtmlChars = 60_000
/** Rendering adds addresses and prefixes to what was written; no post comes near this. */
const maxTextChars = 60_000
const cutShort = '\n\n[The rest of this post is left out.]'
/** Parsing costs the square of the nesting. Tags that are never closed count as well, so this is more than any post has. */
const maxNesting = 1_000
/** What lies deeper or further than any post's content is left out. */
const limits = { limits: { maxDepth: 60, maxChildNodes: 2_000, maxBaseElements: 100 } }

/** Those of HTML, and no-break, em, thin and other spaces of Unicode (category Zs). */
const spaces = ` \t\r\n\f\v\u200b\u00a0\u1680\u202f\u205f\u3000${String.fromCharCode(...range(0x2000, 0x200a))}`
/** What no reader sees: controls, marks of direction, tag characters, in which texts have been hidden. Joiners shape words. */
const invisible = /(?![\t\n\v\f\r\u0085\u200c\u200d])[\p{Cc}\p{Cf}]/gu

/** HTML, "Void elements". */
const voidElements = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))

const block = (selector: string) => ({
  selector,
  format: 'block',
  options: { leadingLineBreaks: 1, trailingLineBreaks: 1 },
})
const skip = (selector: string) => ({ selector, format: 'skip' })

const convert = compile({
  ...limits,
  formatters: { anchor, image, list, table, unlessHidden },
  wordwrap: false,
  whitespaceCharacters: spaces,
  selectors: [
    { selector: 'a', format: 'anchor' },
    { selector: 'img', format: 'image' },
    { selector: 'table', format: 'table' },
    { selector: 'ul', format: 'list' },
    { selector: 'ol', format: 'list' },
    { selector: 'hr', options: { length: 3 } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
      selector,
      options: { uppercase: false, leadingLineBreaks: 2 },
    })),
    // Rows of a table of one column, and what browsers set apart though html-to-text does not.
    ...['tr', 'caption', 'dl', 'dt', 'dd', 'figure', 'figcaption', 'details', 'summary', 'address'].map(block),
    ...['s', 'strike', 'del'].map(skip),
    ...['template', 'title', 'noscript', 'iframe', 'noembed', 'noframes', 'object', 'svg', 'canvas'].map(skip),
    ...['[hidden]', '[aria-hidden]', '[style]'].map((selector) => ({ selector, format: 'unlessHidden' })),
  ],
})

/**
 * A post's HTML body as plain text: headings and lists keep their shape, a table is a line for each row
 * (`question | answer`), links keep their address and roadmap links their id, images are `[image: what it shows]`. What a
 * reader does not see is left out: struck-out and hidden text, scripts, comments.
 *
 * A hostile body costs little, and loses what goes beyond the limits.
 */
export function htmlToPlainText(html: string): string {
  const bounded = beforeDepth(html.slice(0, maxHtmlChars))
  const text = tidied(convert(bounded))
  const isWhole = bounded.length === html.length && text.length <= maxTextChars
  return isWhole ? text : text.slice(0, maxTextChars) + cutShort
}

/** The beginning of it that is not nested too deeply. */
function beforeDepth(html: string): string {
  let depth = 0
  for (const { 1: slash, 2: name = '', index } of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    if (slash === '/') depth = Math.max(depth - 1, 0)
    else if (!voidElements.has(name.toLowerCase())) depth++
    if (depth > maxNesting) return html.slice(0, index)
  }
  return html
}

/** One kind of space, none at the end of a line, one empty line at most. */
function tidied(text: string): string {
  const lines = text
    .replace(invisible, '')
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(/[\t\v\f]|\p{Zs}/gu, ' ')
    .split('\n')
    .map((line) => line.trimEnd())
  return withRoadmapIds(
    lines
      .filter((line, i) => line !== '' || (i > 0 && lines[i - 1] !== ''))
      .join('\n')
      .trimEnd(),
  )
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
