import { isSameAddress, roadmapIdsOf, shownAddress } from './links.ts'
import { TextLines } from './text-lines.ts'
import { type Attributes, visibleText } from './visible-text.ts'

interface List {
  /** How its next item is numbered; undefined where it has bullets. */
  index: number | undefined
  readonly type: string
  isItemOpen: boolean
}

interface Table {
  readonly rows: TextLines[][]
  /** The row that is open. */
  cells: TextLines[] | undefined
  /** It holds tables, lists or headings. */
  hasBlocks: boolean
}

/** What is open while a post is read from its first tag to its last. */
export interface Page {
  /** Where text is written: the page's own lines, or those of a cell. */
  out: TextLines
  lists: List[]
  tables: Table[]
  /** The texts of links so far. */
  links: string[]
  preformatted: number
}

/** Begins an element. @returns ends it */
type Begin = (page: Page, attributes: Attributes) => (() => void) | undefined

/** A block with as many line breaks around it. */
const block =
  (breaks: number): Begin =>
  (page) => {
    page.out.break(breaks)
    return () => page.out.break(breaks)
  }

const heading: Begin = (page, attributes) => {
  noteBlockInTable(page)
  return block(2)(page, attributes)
}

/** A link's text, and its address where that says more. */
const link: Begin = (page, { href = '' }) => {
  page.links.push('')
  return () => {
    const text = page.links.pop() ?? ''
    const address = shownAddress(href)
    if (address === undefined || isSameAddress(text, address)) return
    const ids = roadmapIdsOf(address)
    const target = ids.length > 0 ? ids.filter((id) => !text.includes(id)).join(', ') : visibleText(address)
    if (target === '') return
    page.out.write(` [${target}]${text.trim() === '' || text.endsWith(' ') ? ' ' : ''}`)
  }
}

const maxAltChars = 300

/** An image by what it says that it shows: a bare text would read as part of the post. */
const image: Begin = (page, { alt = '' }) => {
  const shows = visibleText(alt).trim().slice(0, maxAltChars)
  page.out.write(shows === '' ? ' [image] ' : ` [image: ${shows}] `)
  return undefined
}

const list =
  (isNumbered: boolean): Begin =>
  (page, { type = '', start = '1' }) => {
    noteBlockInTable(page)
    page.out.break(1)
    const outer = page.lists.at(-1)
    // Invalid HTML, and in a fifteenth of real posts: browsers indent it as if it were in the item before.
    const outdent = outer?.isItemOpen === false ? page.out.indent('  ') : undefined
    const first = Number(start)
    const isUsual = Number.isInteger(first) && Math.abs(first) < 10_000
    page.lists.push({ index: isNumbered ? (isUsual ? first : 1) : undefined, type, isItemOpen: false })
    return () => {
      page.lists.pop()
      outdent?.()
      page.out.break(outer === undefined ? 2 : 1)
    }
  }

const item: Begin = (page) => {
  page.out.break(1)
  const list = page.lists.at(-1) ?? { index: undefined, type: '', isItemOpen: false }
  const end = page.out.startItem(list.index === undefined ? undefined : numeral(list.index++, list.type))
  list.isItemOpen = true
  return () => {
    list.isItemOpen = false
    end()
    page.out.break(1)
  }
}

/** By figures, or by letters as far as those go. */
function numeral(index: number, type: string): string {
  if (!/^a$/i.test(type) || index < 1 || index > 26) return String(index)
  return String.fromCharCode(type.charCodeAt(0) + index - 1)
}

/**
 * A line for each row, `question | answer`. A cell is on one line whatever it holds: columns side by side would tear
 * their texts apart, and cost a line's width for each of them. A table of one column that holds tables, lists or headings
 * is layout: its cells are blocks below one another.
 */
const table: Begin = (page) => {
  noteBlockInTable(page)
  const { out, lists } = page
  const opened: Table = { rows: [], cells: undefined, hasBlocks: false }
  page.tables.push(opened)
  page.out = new TextLines()
  page.lists = []
  return () => {
    endLooseCell(page)
    page.tables.pop()
    page.out = out
    page.lists = lists
    const isLayout = opened.hasBlocks && opened.rows.every((cells) => cells.length <= 1)
    if (!isLayout) out.break(2)
    for (const cells of opened.rows) {
      if (!isLayout) out.writeRow(cells)
      else if (cells[0] !== undefined) out.writeBlock(cells[0])
    }
    if (!isLayout) out.break(2)
  }
}

const row: Begin = (page, attributes) => {
  const open = page.tables.at(-1)
  if (open === undefined) return block(1)(page, attributes)
  endLooseCell(page)
  open.cells = []
  open.rows.push(open.cells)
  return () => {
    endLooseCell(page)
    open.cells = undefined
  }
}

const cell: Begin = (page) => {
  const open = page.tables.at(-1)
  if (open === undefined) return undefined
  endLooseCell(page)
  return () => addCell(page, open)
}

/** What stands between rows, or between cells, is a cell of its own. */
function endLooseCell(page: Page) {
  const open = page.tables.at(-1)
  if (open !== undefined && !page.out.isEmpty) addCell(page, open)
}

function addCell(page: Page, { rows, cells }: Table) {
  if (cells === undefined) rows.push([page.out])
  else cells.push(page.out)
  page.out = new TextLines()
}

/** What holds tables, lists or headings may be layout. */
function noteBlockInTable({ tables }: Page) {
  const open = tables.at(-1)
  if (open !== undefined) open.hasBlocks = true
}

const caption: Begin = (page, attributes) => {
  endLooseCell(page)
  const end = block(1)(page, attributes)
  return () => {
    end?.()
    endLooseCell(page)
  }
}

const lineBreak: Begin = ({ out }) => {
  out.addBreak()
  return undefined
}

const rule: Begin = ({ out }) => {
  out.break(2)
  out.writeAsIs('---')
  return () => out.break(2)
}

const quotation: Begin = ({ out }) => {
  out.break(2)
  const end = out.indent('> ')
  return () => {
    end()
    out.break(2)
  }
}

const preformatted: Begin = (page) => {
  page.out.break(2)
  page.preformatted++
  return () => {
    page.preformatted--
    page.out.break(2)
  }
}

const each = (names: string, begin: Begin) => names.split(' ').map((name) => [name, begin] as const)

/** HTML elements that are more than their text, by name. */
export const htmlElements: ReadonlyMap<string, Begin> = new Map([
  ...each('a', link),
  ...each('img', image),
  ...each('br', lineBreak),
  ...each('hr', rule),
  ...each('ul', list(false)),
  ...each('ol', list(true)),
  ...each('li', item),
  ...each('table', table),
  ...each('caption', caption),
  ...each('tr', row),
  ...each('td th', cell),
  ...each('pre', preformatted),
  ...each('blockquote', quotation),
  ...each('h1 h2 h3 h4 h5 h6', heading),
  ...each('p', block(2)),
  ...each('address article aside dd details div dl dt fieldset figcaption figure', block(1)),
  ...each('footer form header main nav section summary', block(1)),
])
