import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../demo/options.ts'

test('without options rowan signs in, on free ports, and the demo stays up quietly', () => {
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
  [['--port', 'many'], '--port takes a port, 0 to 65535, and not "many".'],
  [['--port', '65536'], '--port takes a port, 0 to 65535, and not "65536".'],
  [['--port='], '--port takes a port, 0 to 65535, and not "".'],
  [['--emulator-port', '0x50'], '--emulator-port takes a port, 0 to 65535, and not "0x50".'],
  [['rowan'], /Unexpected argument 'rowan'/],
  [['--user'], /'--user <value>' argument missing/],
] as const) {
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(() => readOptions([...args]), { message })
  })
}
