import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { malformedPath, routedPath } from '../../src/lib/request-target.ts'

/** As Node hands a request over: of several Host headers the first. */
function routed(url: string, ...hosts: string[]): string {
  const rawHeaders = hosts.flatMap((host, i) => [i === 0 ? 'Host' : 'hOST', host])
  return routedPath({ url, headers: { host: hosts[0] }, rawHeaders: ['X', 'host', ...rawHeaders] } as IncomingMessage)
}

const hosts: readonly [isValid: boolean, ...hosts: string[]][] = [
  [true, 'mcp.example.com'],
  [true, 'MCP.Example.com:8443'],
  [true, 'localhost:'],
  [true, 'my_service:8080'],
  [true, '127.0.0.1:8080'],
  [true, '[::1]:8080'],
  [true, '[::ffff:127.0.0.1]'],
  [true, ''],
  [true],
  [false, 'mcp.example.com', 'mcp.example.com'],
  [false, 'mcp.example.com', 'evil.example'],
  [false, 'evil@mcp.example.com'],
  [false, 'mcp.example.com@evil.example'],
  [false, 'evil:80@mcp.example.com'],
  [false, 'mcp.example.com/evil'],
  [false, 'mcp.example.com?evil'],
  [false, 'mcp.example.com#evil'],
  [false, 'mcp.example.com\\evil'],
  [false, 'mcp.example.com, evil.example'],
  [false, 'mcp.example.com evil.example'],
  [false, '%6dcp.example.com'],
  [false, 'mcp.example.com:80:80'],
  [false, 'mcp.example.com:http'],
  [false, 'mcp.example.com:800000'],
  [false, '::1'],
  [false, '[::1'],
  [false, '[::1]evil'],
  [false, '[fe80::1%25eth0]'],
  [false, 'ｍcp.example.com'],
]
for (const [isValid, ...names] of hosts) {
  test(`Host ${JSON.stringify(names)} is ${isValid ? 'valid' : 'malformed'}`, () => {
    assert.equal(routed('/mcp?a=b', ...names), isValid ? '/mcp?a=b' : malformedPath)
  })
}

const targets: readonly [target: string, path: string | undefined, host?: string][] = [
  ['/', '/'],
  ['/mcp?a=%zz#%zz', '/mcp?a=%zz#%zz'],
  ['/%6dcp', '/%6dcp'],
  ['/%25zz', '/%25zz'],
  ['/%2f%3F%E2%82%AC', '/%2f%3F%E2%82%AC'],
  ['//evil.example/mcp', '//evil.example/mcp'],
  ['/%zz', undefined],
  ['/mcp/%', undefined],
  ['/mcp%2', undefined],
  ['/%2f%zz?a', undefined],
  ['/%c0%ae', undefined],
  ['/%ff', undefined],
  ['/%ED%A0%80', undefined],
  ['http://localhost/mcp?a=b', '/mcp?a=b'],
  ['HTTP://LOCALHOST/mcp', '/mcp'],
  ['http://localhost', '/'],
  ['http://localhost:80/mcp', '/mcp'],
  ['https://localhost/mcp', '/mcp', 'localhost:443'],
  ['http://[::1]:8080/mcp', '/mcp', '[::1]:8080'],
  ['http://localhost/%zz', undefined],
  ['http://evil.example/mcp', undefined],
  ['http://localhost:8080/mcp', undefined],
  ['http://localhost/mcp', undefined, ''],
  ['http://localhost/mcp', undefined, 'evil.example'],
  ['http://evil@localhost/mcp', undefined],
  ['http://:evil@localhost/mcp', undefined],
  ['http:///mcp', undefined],
  ['ftp://localhost/mcp', undefined],
  ['localhost:80', undefined],
  ['mcp', undefined],
  ['*', undefined],
  ['', undefined],
]
for (const [target, path, host = 'localhost'] of targets) {
  test(`"${target}" for the host "${host}" is ${path ?? 'malformed'}`, () => {
    assert.equal(routed(target, host), path ?? malformedPath)
  })
}
