import { compile } from 'html-to-text'

/** Nesting and length that no post has: what lies beyond is left out, so that a hostile body costs little. */
const limits = { maxInputLength: 1_000_000, limits: { maxDepth: 50, maxChildNodes: 10_000, maxBaseElements: 100 } }

/**
 * A post's HTML body as plain text: headings, lists and tables keep their shape, links their address, images their
 * alternative text.
 */
export const htmlToPlainText = compile({
  ...limits,
  wordwrap: false,
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    { selector: 'img', format: 'inline', options: { leadingLineBreaks: 0 } },
    { selector: 'table', format: 'dataTable' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
})
