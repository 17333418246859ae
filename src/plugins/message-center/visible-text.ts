/** Finds what browsers show of a page; what they do not show is not written for readers. */

export type Attributes = Readonly<Record<string, string>>

/** Elements whose text is no part of the page, or is struck out. */
export const neverShown = new Set(
  's strike del head title script style template noscript iframe noembed noframes object svg canvas'.split(' '),
)

export function isHidden({ hidden, style = '', 'aria-hidden': ariaHidden = '' }: Attributes): boolean {
  if (hidden !== undefined || /^\s*true\s*$/i.test(ariaHidden)) return true
  return style !== '' && hidingStyle.test(style.replaceAll(/\/\*.*?\*\/|\s|!important/gis, ''))
}

const hidingStyle =
  /(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|font-size:[+-]?0*(?:\.0*)?(?:[a-z%]+)?(?=;|$)|opacity:0*(?:\.0*)?%?(?=;|$)|text-decoration(?:-line)?:[^;]*line-through|mso-hide:all|text-indent:-\d{3})/i

/** Most texts have nothing of what the next two find. */
const unusual = /[^ -~]| {2}/
/** Controls, marks of direction, tag characters, in which texts have been hidden. Joiners shape words. */
const invisible = /(?![\t\n\v\f\r\u0085\u200b-\u200d])[\p{Cc}\p{Cf}]/gu
/** Those of HTML, and no-break, em, thin and other spaces of Unicode (categories Zs, Zl, Zp). */
const spaces = /[ \t\r\n\f\v\u0085\u200b\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g

/** A text as it is shown, its spaces as single blanks. */
export function visibleText(text: string): string {
  return unusual.test(text) ? text.replace(invisible, '').replace(spaces, ' ') : text
}

/** A line of preformatted text, with as many blanks as it has spaces. */
export function visibleLine(line: string): string {
  return line.replace(invisible, '').replace(spaces, (found) => ' '.repeat(found.length))
}
