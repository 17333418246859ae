import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TObject, TSchema } from 'typebox'
import { type EventName, events, lineSchema } from '../../src/audit.ts'
import { readText, section } from './markdown.ts'

const page = readText('docs/audit-events.md')
const common = ['level', 'time', 'pid', 'hostname', 'tenant', 'event', 'msg']

/** A schema's fields as rows: the page has them word for word, so what this expects can be pasted there. */
function rows(schema: TObject, names: readonly string[]): string {
  const lines = names.map((name) => {
    const field = (schema.properties[name] ?? {}) as TSchema & { type?: string; enum?: string[]; description?: string }
    const isClosed = field.enum !== undefined && name !== 'reason' && name !== 'outcome'
    const takes = isClosed ? field.enum?.map((value) => `\`${value}\``).join(', ') : (field.type ?? typeOf(field))
    const mark = schema.required?.includes(name) ? '' : '?'
    return `| \`${name}${mark}\` | ${takes} | ${field.description} |`
  })
  return ['| field | type | is |', '| --- | --- | --- |', ...lines].join('\n')
}

function typeOf(field: { enum?: unknown }): string {
  return field.enum === undefined ? 'object' : 'string'
}

test('the page has the fields of every line', () => {
  assert.equal(section(page, 'Every line').trim().split('\n\n').at(-1), rows(lineSchema('request'), common))
})

for (const name of Object.keys(events) as EventName[]) {
  test(`the page has ${name}, its level, when it is logged, and every field`, () => {
    const { level, tells, fields } = events[name]
    const names = Object.keys(fields.properties)
    const expected = [`At \`${level}\`. ${tells}.`, ...(names.length > 0 ? [rows(fields, names)] : [])].join('\n\n')
    assert.equal(section(page, name).trim(), expected)
  })
}

test('the page has no event that the server does not log', () => {
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
  assert.deepEqual(headings, Object.keys(events))
})
