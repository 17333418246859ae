import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRedirectAllowed, parseRedirectRule } from '../../../src/lib/redirect-policy.ts'
import { rejectedRedirect } from '../../../src/plugins/oauth-proxy/rejected-redirect.ts'
import { allowedRedirects, hostileRedirects } from '../../lib/hostile-redirects.ts'

const entries = ['http://127.0.0.1', 'https://app.example/oauth/', 'com.example.app:/callback']
const rulesOf = (list: readonly string[]) => list.map((entry) => parseRedirectRule(entry) ?? assert.fail(entry))
const rules = rulesOf(entries)
const line = (entry: string) => `MCP_OAUTH_REDIRECT_URI_PREFIXES=${[...entries, entry].join(',')}`

for (const [uri, redirectUri, entry] of [
  ['https://new.example/callback', 'https://new.example/callback', 'https://new.example/callback'],
  ['https://new.example:8443/a/b', 'https://new.example:8443/a/b', 'https://new.example:8443/a/b'],
  ['https://new.example', 'https://new.example/', 'https://new.example/'],
  ['http://localhost:33418/callback', 'http://localhost:33418/callback', 'http://localhost/callback'],
  ['http://[::1]:33418/callback', 'http://[::1]:33418/callback', 'http://[::1]/callback'],
  ['cursor://host/oauth/callback', 'cursor://host/oauth/callback', 'cursor://host/oauth/callback'],
] as const) {
  test(`${uri} is named, and with its line it is allowed`, () => {
    assert.deepEqual(rejectedRedirect(uri, rules), { redirectUri, allowEntry: entry, allowLine: line(entry) })
    assert.equal(isRedirectAllowed(uri, rulesOf([...entries, entry])), true)
  })
}

for (const [what, uri, redirectUri] of [
  [
    'its query is not shown, and no entry has one',
    'https://new.example/callback?zq7mark=1',
    'https://new.example/callback',
  ],
  ['its fragment is not shown', 'https://new.example/callback#zq7mark', 'https://new.example/callback'],
  ['its userinfo is not shown', 'https://zq7mark:zq7mark@new.example/callback', 'https://new.example/callback'],
  ['it is neither https nor loopback', 'http://new.example/callback', 'http://new.example/callback'],
  ['it is not in its one spelling', 'https://NEW.example/a/../callback', 'https://new.example/callback'],
  ['its path has markup', 'https://new.example/call"><script>alert(zq7mark)', 'https://new.example/call…'],
  ['a line break is in it', 'https://new.example/call\r\nzq7mark: x', 'https://new.example…'],
  ['its path has percent signs', 'https://new.example/a%20b', 'https://new.example/a…'],
  ['it is a script', 'javascript:alert(zq7mark)', 'javascript:'],
  ['it is a script with a host', 'javascript://new.example/%0aalert(zq7mark)', 'javascript:'],
  ['it is data', 'data:text/html,zq7mark', 'data:'],
  ['it is a file', 'file:///zq7mark', 'file:'],
  ['it is a web socket', 'ws://new.example/callback', 'ws:'],
  ['it is a transfer', 'ftp://localhost/callback', 'ftp:'],
  ['an app’s query is not shown', 'cursor://host/callback?code=zq7mark', 'cursor://host/callback'],
  ['it is no URL', 'zq7mark', 'no URL'],
  ['it is empty', '', 'no URL'],
  ['it is allowed already', 'https://app.example/oauth/callback', 'https://app.example/oauth/callback'],
  ['it is long', `https://new.example/${'a'.repeat(500)}`, `https://new.example/${'a'.repeat(279)}…`],
] as const) {
  test(`${uri.slice(0, 60)} has no line: ${what}`, () =>
    assert.deepEqual(rejectedRedirect(uri, rules), { redirectUri }))
}

test('whatever is rejected, what is shown of it has no query, no fragment and no line break, and a line allows no other host', () => {
  const uri = fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true, withFragments: true }))
  const hostile = Object.values(hostileRedirects).flat()
  const list = rulesOf(allowedRedirects)
  const check = (text: string) => {
    const { redirectUri, allowEntry, allowLine } = rejectedRedirect(text, list)
    assert.match(redirectUri, /^[^?#\r\n]+$/)
    assert.ok(redirectUri.length <= 300)
    if (allowLine === undefined) return
    const before = `MCP_OAUTH_REDIRECT_URI_PREFIXES=${allowedRedirects.join(',')},`
    assert.equal(allowLine, `${before}${allowEntry}`)
    assert.equal(new URL(allowLine.slice(before.length)).hostname, new URL(text).hostname)
  }
  for (const text of hostile) check(text)
  fc.assert(fc.property(uri, check))
})
