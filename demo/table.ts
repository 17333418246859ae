import Table from 'cli-table3'
import type { Message } from '../src/plugins/message-center/message.ts'

/** 100 characters in total, including borders and padding. */
const widths = [11, 12, 19, 19, 33]

/**
 * Messages as a table of 100 columns.
 *
 * @param date which timestamp of a message to show, and its heading
 */
export function messageTable(
  messages: readonly Message[],
  date: { heading: string; field: 'lastModifiedDateTime' | 'actionRequiredByDateTime' },
): string {
  const table = new Table({
    head: ['id', date.heading, 'category', 'services', 'title'],
    colWidths: widths,
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  })
  for (const message of messages) {
    const { id, category, services, title } = message
    const day = message[date.field]?.slice(0, 10) ?? ''
    table.push([id, day, category ?? '', (services ?? []).join(', '), title ?? ''])
  }
  return table.toString()
}
