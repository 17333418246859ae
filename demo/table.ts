import Table from 'cli-table3'

const totalWidth = 100

/** A column: its heading, and its width with padding; the last one takes what is left. */
export type Column = readonly [heading: string, width?: number]

/** Rows as a table of 100 columns, borders included. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | undefined)[])[]): string {
  const taken = columns.reduce((sum, [, width = 0]) => sum + width, columns.length + 1)
  const printed = new Table({
    head: columns.map(([heading]) => heading),
    colWidths: columns.map(([, width]) => width ?? totalWidth - taken),
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) printed.push(row.map((cell) => cell ?? ''))
  return printed.toString()
}
