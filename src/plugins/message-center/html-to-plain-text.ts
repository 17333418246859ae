import { Parser } from 'htmlparser2'
import { htmlElements, type Page } from './html-elements.ts'
import { withRoadmapIds } from './links.ts'
import { TextLines } from './text-lines.ts'
import { isHidden, neverShown, visibleLine, visibleText } from './visible-text.ts'

/** Several times the longest post seen. What a post costs grows with its length. */
const maxHtmlChars = 60_000
/** Rendering adds addresses and prefixes to what was written; no post comes near this. */
const maxTextChars = 60_000
const cutShort = '\n\n[The rest of this post is left out.]'
/** The parser's time for a tag grows with its depth. Tags that are never closed count: this is more than any post has. */
const maxNesting = 1_000

/**
 * A post's HTML body as plain text: headings and lists keep their shape, a table is a line for each row
 * (`question | answer`), links keep their address and roadmap links their id, images are `[image: what it shows]`. What a
 * reader does not see is left out: struck-out and hidden text, scripts, comments.
 *
 * A hostile body costs little, and loses what goes beyond the limits.
 */
export function htmlToPlainText(html: string): string {
  const lines = new TextLines()
  const page: Page = { out: lines, lists: [], tables: [], links: [], preformatted: 0 }
  /** What ends the elements that are open. */
  const ends: ((() => void) | undefined)[] = []
  let hiddenFrom = Number.POSITIVE_INFINITY
  let isWhole = html.length <= maxHtmlChars
  const parser = new Parser({
    onopentag(name, attributes) {
      if (ends.length < hiddenFrom && (neverShown.has(name) || isHidden(attributes))) hiddenFrom = ends.length
      ends.push(ends.length < hiddenFrom ? htmlElements.get(name)?.(page, attributes) : undefined)
      if (ends.length > maxNesting) {
        isWhole = false
        parser.pause()
      }
    },
    ontext(text) {
      if (ends.length <= hiddenFrom) write(page, text)
    },
    onclosetag() {
      ends.pop()?.()
      if (ends.length <= hiddenFrom) hiddenFrom = Number.POSITIVE_INFINITY
    },
  })
  parser.end(html.slice(0, maxHtmlChars))
  while (ends.length > 0) ends.pop()?.()
  const text = withRoadmapIds(lines.toString())
  return isWhole && text.length <= maxTextChars ? text : text.slice(0, maxTextChars) + cutShort
}

function write({ out, links, preformatted }: Page, text: string) {
  if (preformatted > 0) {
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (i > 0) out.addBreak()
      if (line !== '') out.writeAsIs(visibleLine(line))
    }
    return
  }
  const words = visibleText(text)
  out.write(words)
  if (links.length > 0) links.push((links.pop() ?? '') + words)
}
