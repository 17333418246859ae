import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey, parseAddress, trustProxies } from '../../src/lib/client-address.ts'

const entries: readonly [entry: string, address: string | undefined][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:50001', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['[2001:db8::7]:50001', '2001:db8::7'],
  ['2001:db8:0:1:2:3:4:5:50001', '2001:db8:0:1:2:3:4:5'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%eth0]:50001', 'fe80::1'],
  ['::ffff:203.0.113.7', '::ffff:203.0.113.7'],
  ['[::ffff:203.0.113.7]:50001', '::ffff:203.0.113.7'],
  ['', undefined],
  ['unknown', undefined],
  ['_hidden:50001', undefined],
  ['203.0.113', undefined],
  ['0xcb.0.113.7', undefined],
  ['203.0.113.7:', undefined],
  ['[2001:db8::7', undefined],
]
for (const [entry, address] of entries) {
  test(`the address in "${entry}" is ${address ?? 'none'}`, () => assert.equal(parseAddress(entry), address))
}

const keys: readonly [key: string, addresses: readonly (string | undefined)[]][] = [
  ['203.0.113.7', ['203.0.113.7', '203.0.113.7:1', '::ffff:203.0.113.7', '::ffff:cb00:7107', '[::FFFF:203.0.113.7]:1']],
  ['203.0.113.8', ['203.0.113.8']],
  ['2001:db8::', ['2001:db8::', '2001:DB8::1', '2001:db8:0:0:ffff:ffff:ffff:ffff', '[2001:db8::2]:1']],
  ['2001:db8:0:1::', ['2001:db8:0:1::1', '2001:0db8:0000:0001::1']],
  ['fe80::', ['fe80::1', 'fe80::1%eth0', 'fe80::2%eth1']],
  ['unknown', [undefined, '', 'unknown', 'x:1', 'y:2']],
]
for (const [key, addresses] of keys) {
  for (const address of addresses) {
    test(`limits count "${address}" as ${key}`, () => assert.equal(addressKey(address), key))
  }
}

test('a proxy is trusted by its address, with a port or without', () => {
  const isTrusted = trustProxies(['loopback', '10.0.0.0/8', 'fd00::/8'])
  for (const proxy of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.1.2.3', '10.1.2.3:443', '[fd00::1]:443']) {
    assert.equal(isTrusted(proxy, 0), true, proxy)
  }
  for (const untrusted of ['11.0.0.1', '11.0.0.1:10', 'fe80::1', '', 'unknown', undefined]) {
    assert.equal(isTrusted(untrusted, 0), false, untrusted)
  }
})
