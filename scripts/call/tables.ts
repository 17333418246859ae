import Table from 'cli-table3'
import type { ListedTool, PropertySchema } from '../mcp/session.ts'
import { wrapped } from '../shared/io.ts'
import { secretArgument } from './arguments.ts'

/** Fits a terminal window. */
const tableWidth = 100
/** Wider text is wrapped. */
const maxColumnWidth = 40
/** Padding and border of a cell. */
const cellOverhead = 3
/** Cut to the width of a cell it would lead nowhere. */
const addressColumn = 'url'
const longTextLength = 300

type Row = Readonly<Record<string, unknown>>

/**
 * Structured content for people: the rows of a page as a table with its other properties below; of other results, one row
 * per property, and below it each list of rows as a table of its own and each long text with its line breaks.
 */
export function resultText(content: Row): string {
  const texts = Object.entries(content).flatMap(([name, value]) => {
    const text = longText(value)
    return text === undefined ? [] : [{ name, text }]
  })
  const fields = Object.entries(content).filter(([name]) => !texts.some((text) => text.name === name))
  const sections = texts.map(({ name, text }) => `\n${name}\n${wrapped(text.trim(), tableWidth)}`)
  return [tablesText(Object.fromEntries(fields)), ...sections].join('\n')
}

/** A text of several lines, or of more than a cell is good for: the body of a message. */
function longText(value: unknown): string | undefined {
  const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value
  return typeof text === 'string' && (text.includes('\n') || text.length > longTextLength) ? text : undefined
}

function tablesText({ value: rows, ...rest }: Row): string {
  if (!isRows(rows)) return propertiesText(rows === undefined ? rest : { value: rows, ...rest })
  return [rowTable(rows), ...Object.entries(rest).map(([name, value]) => `${name}: ${cell(value)}`)].join('\n')
}

function propertiesText(content: Row): string {
  const isTable = (value: unknown): value is readonly Row[] => isRows(value) && value.length > 0 && !isCounts(value)
  const fields = Object.entries(content).filter(([, value]) => !isTable(value))
  const tables = Object.entries(content).flatMap(([name, value]) =>
    isTable(value) ? [`\n${name}\n${rowTable(value)}`] : [],
  )
  return [fieldTable(fields), ...tables].join('\n')
}

/** Each tool with its arguments, as its schema describes them. */
export function toolsText(tools: readonly ListedTool[]): string {
  return tools
    .map(({ name, title, inputSchema: { properties = {}, required = [] } }) => {
      const table = plainTable(['argument', 'type', 'description'], [24, 12, 60])
      for (const [argument, property] of Object.entries(properties)) {
        if (argument === secretArgument) continue
        const mark = required.includes(argument) ? ' (required)' : ''
        table.push([`${argument}${mark}`, typeOf(property), property.description ?? ''])
      }
      return `${name}${title === undefined ? '' : `: ${title}`}\n${table.toString()}`
    })
    .join('\n\n')
}

/** The names of all columns, in the order of the row that has most. */
function namesOf(rows: readonly Row[]): string[] {
  const names = rows.map((row) => Object.keys(row)).sort((a, b) => b.length - a.length)
  return [...new Set(names.flat())]
}

function rowTable(rows: readonly Row[]): string {
  if (rows.length === 0) return 'None.'
  const names = namesOf(rows)
  const columns = names
    .filter(
      (name) =>
        name !== addressColumn && rows.every((row) => isShort(row[name])) && rows.some((row) => cell(row[name]) !== ''),
    )
    .map((name) => ({ name, width: Math.max(name.length, ...rows.map((row) => cell(row[name]).length)) }))
  const chosen: { name: string; width: number }[] = []
  let left = tableWidth - 1
  for (const { name, width } of columns) {
    const taken = Math.min(width, maxColumnWidth) + cellOverhead
    if (taken > left) break
    left -= taken
    chosen.push({ name, width: taken })
  }
  // The remaining width goes to the first column that is cut.
  const widest = chosen.find(({ name }) =>
    columns.some((column) => column.name === name && column.width > maxColumnWidth),
  )
  if (widest !== undefined) widest.width += left
  // cli-table3 includes the padding in a column's width, but not the border.
  const table = plainTable(
    chosen.map(({ name }) => name),
    chosen.map(({ width }) => width - 1),
  )
  for (const row of rows) table.push(chosen.map(({ name }) => cell(row[name])))
  const hidden = names.filter(
    (name) => !chosen.some((column) => column.name === name) && rows.some((row) => cell(row[name]) !== ''),
  )
  return hidden.length === 0 ? table.toString() : `${table.toString()}\nUse --json to see ${hidden.join(', ')}.`
}

function fieldTable(fields: readonly (readonly [name: string, value: unknown])[]): string {
  const table = plainTable([], [26, tableWidth - 29])
  for (const [name, value] of fields) table.push([name, cell(value)])
  return table.toString()
}

function plainTable(head: string[], colWidths: number[]) {
  return new Table({ head, colWidths, wordWrap: true, style: { head: [], border: [], compact: true } })
}

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
}

/** How often each name occurs. */
function isCounts(rows: readonly Row[]): rows is readonly { name: string; count: number }[] {
  return rows.length > 0 && rows.every((row) => Object.keys(row).sort().join() === 'count,name')
}

/** Fits into a cell: neither an object nor a list of objects. */
function isShort(value: unknown): boolean {
  return Array.isArray(value)
    ? value.every((item) => typeof item !== 'object')
    : typeof value !== 'object' || value === null
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'object') return String(value)
  if (isRows(value) && isCounts(value)) return value.map(({ name, count }) => `${name} ${count}`).join(', ')
  if (Array.isArray(value)) return isShort(value) ? value.join(', ') : JSON.stringify(value)
  const members = Object.entries(value)
  return members.every(([, member]) => typeof member !== 'object')
    ? members.map(([name, member]) => `${name}: ${member}`).join('\n')
    : JSON.stringify(value)
}

function typeOf({ type, items, enum: choices }: PropertySchema): string {
  if (choices !== undefined) return 'choice'
  return type === 'array' ? `${items?.type ?? 'any'}s` : (type ?? 'any')
}
