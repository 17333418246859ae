import type { DomNode, FormatCallback } from 'html-to-text'
import { isSameAddress, roadmapIdsOf, shownAddress } from './links.ts'

/** How html-to-text writes what it would write otherwise than a reader of posts needs it. */

/** Tables of one column that only hold others, or lists: their cells are blocks below one another. */
const layouts = new WeakSet<DomNode>()
/** How far a table is searched for what makes it a layout. */
const maxNodesSearched = 1_000

const maxAltChars = 300

/** A link's text, and its address where that says more. */
export const anchor: FormatCallback = (elem, walk, builder) => {
  let text = ''
  builder.pushWordTransform((word) => {
    text += word
    return word
  })
  walk(elem.children, builder)
  builder.popWordTransform()
  const address = shownAddress(attribute(elem, 'href') ?? '')
  if (address === undefined || isSameAddress(text, address)) return
  const ids = roadmapIdsOf(address)
  const shown = ids.length > 0 ? ids.filter((id) => !text.includes(id)).join(', ') : address
  if (shown === '') return
  builder.addInline(text === '' ? ` ${shown} ` : ` [${shown}]`, { noWordTransform: true })
}

/** An image by what it says that it shows: a bare text would read as part of the post. */
export const image: FormatCallback = (elem, _walk, builder) => {
  const alt = (attribute(elem, 'alt') ?? '').replaceAll(/\s+/gu, ' ').trim().slice(0, maxAltChars)
  builder.addInline(alt === '' ? ' [image] ' : ` [image: ${alt}] `, { noWordTransform: true })
}

/** Lists, numbered by figures, or by letters as far as those go. Wide prefixes would be repeated on every line. */
export const list: FormatCallback = (elem, walk, builder) => {
  const isNested = elem.parent?.name === 'li'
  const lineBreaks = isNested ? 1 : 2
  let index = startOf(elem)
  builder.openList({ interRowLineBreaks: 1, leadingLineBreaks: lineBreaks, maxPrefixLength: 0 })
  for (const child of elem.children) {
    if (isBlank(child) || isHidden(child)) continue
    const prefix = child.name !== 'li' ? '' : elem.name === 'ul' ? '* ' : `${numeral(index++, elem)}. `
    builder.openListItem({ prefix: isNested || prefix === '' ? prefix : ` ${prefix}` })
    walk([child], builder)
    builder.closeListItem()
  }
  builder.closeList({ trailingLineBreaks: lineBreaks })
}

function startOf(elem: DomNode): number {
  const start = Number(attribute(elem, 'start') ?? 1)
  return Number.isInteger(start) && Math.abs(start) < 10_000 ? start : 1
}

function numeral(index: number, elem: DomNode): string {
  const type = attribute(elem, 'type') ?? ''
  if (!/^a$/i.test(type) || index < 1 || index > 26) return String(index)
  return String.fromCharCode(type.charCodeAt(0) + index - 1)
}

/**
 * A line for each row, `question | answer`. A cell is on one line whatever it holds: columns side by side would tear
 * their texts apart, and cost a line's width for each of them.
 */
export const table: FormatCallback = (elem, walk, builder) => {
  const rows = rowsOf(elem)
  if (isLayout(elem, rows)) {
    layouts.add(elem)
    builder.openBlock({ leadingLineBreaks: 1 })
    walk(elem.children, builder)
    builder.closeBlock({ trailingLineBreaks: 1 })
    return
  }
  builder.openTable()
  for (const row of rows) {
    builder.openTableRow()
    for (const cell of row) {
      builder.openTableCell()
      walk(isCell(cell) ? cell.children : [cell], builder)
      builder.closeTableCell()
    }
    builder.closeTableRow()
  }
  builder.closeTable({
    tableToString: (written) =>
      written
        .map((cells) => cells.map(({ text }) => onOneLine(text)))
        .filter((cells) => cells.some((text) => text !== ''))
        .map((cells) => cells.join(' | '))
        .join(isInCell(elem) ? '; ' : '\n'),
    leadingLineBreaks: 2,
    trailingLineBreaks: 2,
  })
}

/** The rows of a table, each with its cells; what stands between them is a row of its own. */
function rowsOf(elem: DomNode): DomNode[][] {
  return elem.children
    .filter((child) => !isBlank(child) && !isHidden(child))
    .flatMap((child) => {
      if (/^t(?:head|body|foot)$/.test(child.name ?? '')) return rowsOf(child)
      return [child.name === 'tr' ? child.children.filter((cell) => !isBlank(cell) && !isHidden(cell)) : [child]]
    })
}

function isLayout(elem: DomNode, rows: readonly (readonly DomNode[])[]): boolean {
  if (rows.some((cells) => cells.length > 1)) return false
  const left = [...elem.children]
  for (let searched = 0; searched < maxNodesSearched; searched++) {
    const node = left.pop()
    if (node === undefined) return false
    if (/^(?:table|ul|ol|h[1-6])$/.test(node.name ?? '')) return true
    left.push(...(node.children ?? []).slice(0, maxNodesSearched))
  }
  return true
}

function isInCell(elem: DomNode): boolean {
  let isBelowCell = false
  for (let node = elem.parent; node !== undefined && node !== null; node = node.parent) {
    if (isCell(node)) isBelowCell = true
    if (node.name === 'table' && isBelowCell && !layouts.has(node)) return true
  }
  return false
}

const isCell = ({ name }: DomNode) => name === 'td' || name === 'th'

/** A cell's lines as one; the items of a list, which begin with a space, are told apart. */
function onOneLine(text: string): string {
  let line = ''
  for (const part of text.split('\n')) {
    const trimmed = part.trim()
    if (trimmed === '') continue
    const isItem = /^ +(?:\*|\w{1,5}\.) /.test(part)
    const separator = line === '' ? '' : isItem && !/[:;]$/.test(line) ? '; ' : ' '
    line += separator + (isItem ? trimmed.replace(/^\* +/, '') : trimmed)
  }
  return line
}

/** What browsers do not show is written for somebody else than readers. */
export const unlessHidden: FormatCallback = (elem, walk, builder) => {
  if (isHidden(elem)) return
  const { style: _, hidden: __, 'aria-hidden': ___, ...attribs } = elem.attribs
  elem.attribs = attribs
  walk([elem], builder)
}

export function isHidden(elem: DomNode): boolean {
  if (attribute(elem, 'hidden') !== undefined || /^\s*true\s*$/i.test(attribute(elem, 'aria-hidden') ?? '')) return true
  const style = (attribute(elem, 'style') ?? '').replaceAll(/\/\*.*?\*\/|\s|!important/gis, '')
  return hidingStyle.test(style)
}

const hidingStyle =
  /(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|font-size:[+-]?0*(?:\.0*)?(?:[a-z%]+)?(?=;|$)|opacity:0*(?:\.0*)?%?(?=;|$)|text-decoration(?:-line)?:[^;]*line-through|mso-hide:all|text-indent:-\d{3})/i

function attribute(elem: DomNode, name: string): string | undefined {
  return elem.attribs?.[name]
}

function isBlank({ type, data = '' }: DomNode): boolean {
  return type === 'text' ? data.trim() === '' : type !== 'tag'
}
