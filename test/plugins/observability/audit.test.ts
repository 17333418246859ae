import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAudit, events } from '../../../src/plugins/observability/audit.ts'
import { lineSchema } from '../../audit-lines.ts'

function auditOf() {
  const lines: unknown[][] = []
  const log = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  const sink = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), fatal: log('fatal') }
  return { audit: createAudit(), sink, lines }
}

test('an event is written at its own level, in its own words', () => {
  const { audit, sink, lines } = auditOf()
  audit.write(sink, 'auth_failure', { reason: 'expired' })
  assert.deepEqual(lines, [['warn', { event: 'auth_failure', reason: 'expired' }, 'token rejected']])
})

test('an event may be graver than usual, and say more', () => {
  const { audit, sink, lines } = auditOf()
  audit.write(sink, 'redis_up', {}, { level: 'error', message: 'at last' })
  assert.deepEqual(lines, [['error', { event: 'redis_up' }, 'at last']])
})

test('listeners are called for the events they asked for, whatever the level of the log, and of no others', () => {
  const { audit } = auditOf()
  const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
  const heard: unknown[] = []
  audit.listen({ redis_down: (fields) => heard.push(fields) })
  audit.listen({ redis_down: (fields) => heard.push(fields), redis_up: (fields) => heard.push(fields) })
  audit.write(silent, 'redis_down', { why: 'x' })
  audit.write(silent, 'keys_unavailable', { known: 1, err: null })
  assert.deepEqual(heard, [{ why: 'x' }, { why: 'x' }])
})

test('every field of every event has a description, and no field hides one that every line has', () => {
  const common = Object.keys(lineSchema('redis_up').properties)
  for (const [name, { fields }] of Object.entries(events)) {
    for (const [field, schema] of Object.entries(fields.properties)) {
      assert.match(String((schema as { description?: string }).description), /^\S.{5}/, `${name}.${field}`)
      assert.ok(!common.includes(field), `${name}.${field}`)
    }
  }
})
