import { compile } from 'html-to-text'

/** Several times the longest post seen. Parsing costs the square of the nesting, and this bounds that too. */
const maxHtmlChars = 100_000
/** What lies deeper or further than any post's content is left out. */
const limits = { limits: { maxDepth: 50, maxChildNodes: 2_000, maxBaseElements: 100 } }
/** A span of more than one digit: each cell would be laid out that many times. */
const wildSpan = /\b(?:col|row)span\s*=(?!\s*["']?\d["'\s>/])/gi

const convert = compile({
  ...limits,
  formatters: {
    alternativeText: (image, _walk, builder) => builder.addInline(image.attribs?.['alt'] ?? ''),
  },
  wordwrap: false,
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    { selector: 'img', format: 'alternativeText' },
    { selector: 'table', format: 'dataTable' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
})

/**
 * A post's HTML body as plain text: headings, lists and tables keep their shape, links their address, images their
 * alternative text. A hostile body costs little, and loses what goes beyond the limits.
 */
export function htmlToPlainText(html: string): string {
  return convert(html.slice(0, maxHtmlChars).replaceAll(wildSpan, 'data-span='))
}
