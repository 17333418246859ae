import Table from 'cli-table3'
import type { ListedTool, PropertySchema } from '../mcp/session.ts'
import { secretArgument } from './arguments.ts'

/** As wide as a plain terminal window with some room. */
const tableWidth = 100
/** Where a text goes into a column, it is wrapped; one much wider leaves no room for the others. */
const widestColumn = 40
/** Padding and border of a cell. */
const frame = 3

type Row = Readonly<Record<string, unknown>>

/** Structured content as a person reads it: a page's rows as a table with what stands beside them, or field by field. */
export function resultText({ value: rows, ...beside }: Row): string {
  if (!isRows(rows)) return fieldTable(rows === undefined ? beside : { value: rows, ...beside })
  return [rowTable(rows), ...Object.entries(beside).map(([name, value]) => `${name}: ${cell(value)}`)].join('\n')
}

/** Each tool with its arguments, and what they take in the words of its schema. */
export function toolsText(tools: readonly ListedTool[]): string {
  return tools
    .map(({ name, title, inputSchema: { properties = {}, required = [] } }) => {
      const table = plainTable(['argument', 'type', 'takes'], [24, 12, 60])
      for (const [argument, property] of Object.entries(properties)) {
        if (argument === secretArgument) continue
        const mark = required.includes(argument) ? ' (required)' : ''
        table.push([`${argument}${mark}`, typeOf(property), property.description ?? ''])
      }
      return `${name}${title === undefined ? '' : `: ${title}`}\n${table.toString()}`
    })
    .join('\n\n')
}

function rowTable(rows: readonly Row[]): string {
  if (rows.length === 0) return 'None.'
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    .filter((name) => rows.every((row) => isShort(row[name])) && rows.some((row) => cell(row[name]) !== ''))
    .map((name) => ({ name, width: Math.max(name.length, ...rows.map((row) => cell(row[name]).length)) }))
  const chosen: { name: string; width: number }[] = []
  let left = tableWidth - 1
  for (const { name, width } of columns) {
    const taken = Math.min(width, widestColumn) + frame
    if (taken > left) break
    left -= taken
    chosen.push({ name, width: taken })
  }
  // What is left over goes to the column that could use it most.
  const widest = chosen.find(({ name }) =>
    columns.some((column) => column.name === name && column.width > widestColumn),
  )
  if (widest !== undefined) widest.width += left
  // cli-table3 counts the padding into a column's width, and the border not.
  const table = plainTable(
    chosen.map(({ name }) => name),
    chosen.map(({ width }) => width - 1),
  )
  for (const row of rows) table.push(chosen.map(({ name }) => cell(row[name])))
  const hidden = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (name) => !chosen.some((column) => column.name === name) && rows.some((row) => cell(row[name]) !== ''),
  )
  return hidden.length === 0 ? table.toString() : `${table.toString()}\nWith --json also ${hidden.join(', ')}.`
}

function fieldTable(content: Row): string {
  const table = plainTable([], [26, tableWidth - 29])
  for (const [name, value] of Object.entries(content)) table.push([name, cell(value)])
  return table.toString()
}

function plainTable(head: string[], colWidths: number[]) {
  return new Table({ head, colWidths, wordWrap: true, style: { head: [], border: [], compact: true } })
}

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
}

/** What fits a cell: no object, and no list of them. */
function isShort(value: unknown): boolean {
  return Array.isArray(value)
    ? value.every((item) => typeof item !== 'object')
    : typeof value !== 'object' || value === null
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value) && isShort(value)) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function typeOf({ type, items, enum: choices }: PropertySchema): string {
  if (choices !== undefined) return 'choice'
  return type === 'array' ? `${items?.type ?? 'any'}s` : (type ?? 'any')
}
