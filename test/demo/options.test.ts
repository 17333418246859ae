import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../demo/options.ts'

test('defaults: rowan, free ports, no log, keeps running', () => {
  assert.deepEqual(readOptions([]), {
    user: 'rowan',
    once: false,
    port: 0,
    emulatorPort: 0,
    log: false,
    help: false,
  })
})

for (const [args, message] of [
  [['--port', 'many'], '--port must be a port from 0 to 65535, not "many".'],
  [['--port', '65536'], '--port must be a port from 0 to 65535, not "65536".'],
  [['--port='], '--port must be a port from 0 to 65535, not "".'],
  [['--emulator-port', '0x50'], '--emulator-port must be a port from 0 to 65535, not "0x50".'],
  [['rowan'], /Unexpected argument 'rowan'/],
  [['--user'], /'--user <value>' argument missing/],
] as const) {
  test(`${args.join(' ')} is rejected`, () => {
    assert.throws(() => readOptions([...args]), { message })
  })
}
