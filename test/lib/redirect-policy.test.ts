import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isRedirectAllowed,
  isRegistered,
  parseRedirectRule,
  placeOf,
  type RedirectRule,
} from '../../src/lib/redirect-policy.ts'
import { allowedRedirects, hostileRedirects } from './hostile-redirects.ts'

function rulesOf(...entries: readonly string[]): RedirectRule[] {
  return entries.map((entry) => {
    const rule = parseRedirectRule(entry)
    assert.ok(rule !== undefined, `${entry} is no rule`)
    return rule
  })
}

/** One entry of every kind, with the URIs that it lets pass and some that it does not. */
const entries: readonly [entry: string, allowed: readonly string[], rejected: readonly string[]][] = [
  [
    'https://app.example',
    [
      'https://app.example',
      'https://app.example/',
      'https://app.example/callback',
      'https://app.example/a/b/',
      'https://app.example/callback?tenant=a',
      'https://app.example/?a=b&c',
    ],
    [
      'http://app.example/callback',
      'https://app.example:8443/callback',
      'https://app.example.evil.example/callback',
      'https://evil.app.example/callback',
      'https://appXexample/callback',
      'https://app.exampl/callback',
      'app.example',
    ],
  ],
  [
    'https://app.example:8443',
    ['https://app.example:8443', 'https://app.example:8443/callback'],
    ['https://app.example/callback', 'https://app.example:844/callback', 'https://app.example:84430/callback'],
  ],
  [
    'https://app.example/callback',
    ['https://app.example/callback'],
    [
      'https://app.example',
      'https://app.example/',
      'https://app.example/callbac',
      'https://app.example/callback/',
      'https://app.example/callback/more',
      'https://app.example/callback-evil',
      'https://app.example/callback.evil',
      'https://app.example/Callback',
      'https://app.example/callback?a=b',
      'https://app.example/callback;a=b',
      'https://app.example//callback',
    ],
  ],
  [
    'https://app.example/oauth/',
    ['https://app.example/oauth/', 'https://app.example/oauth/callback', 'https://app.example/oauth/a/b?c=d'],
    [
      'https://app.example/oauth',
      'https://app.example/oauthevil',
      'https://app.example/oauth-evil/callback',
      'https://app.example/OAuth/callback',
      'https://app.example/a/oauth/callback',
      'https://app.example/?/oauth/',
    ],
  ],
  [
    'https://app.example/',
    ['https://app.example', 'https://app.example/', 'https://app.example/any'],
    ['https://app.example:8443/', 'https://other.example/'],
  ],
  [
    'http://127.0.0.1',
    [
      'http://127.0.0.1',
      'http://127.0.0.1/',
      'http://127.0.0.1:33418/callback',
      'http://127.0.0.1:1/',
      'http://127.0.0.1:65535/a?b=c',
    ],
    [
      'https://127.0.0.1/callback',
      'http://127.0.0.2:33418/callback',
      'http://127.0.0.11/callback',
      'http://localhost:33418/callback',
      'http://[::1]:33418/callback',
      'http://127.0.0.1:65536/',
      'http://127.0.0.1:/',
      'http://127.0.0.1:-1/',
      'http://127.0.0.1:1.evil.example/',
    ],
  ],
  [
    'http://localhost/callback',
    ['http://localhost/callback', 'http://localhost:3000/callback'],
    ['http://localhost:3000/', 'http://localhost:3000/callback/', 'http://localhost:3000/callback?a=b'],
  ],
  [
    'http://[::1]/oauth/',
    ['http://[::1]/oauth/', 'http://[::1]:3000/oauth/callback'],
    ['http://[::1]:3000/', 'http://[::2]:3000/oauth/', 'http://::1/oauth/'],
  ],
  [
    'http://localhost:3000',
    ['http://localhost:3000', 'http://localhost:3000/callback'],
    ['http://localhost', 'http://localhost/callback', 'http://localhost:3001/callback', 'http://localhost:30000/'],
  ],
  [
    'https://localhost',
    ['https://localhost/', 'https://localhost:3000/callback'],
    ['http://localhost/', 'http://localhost:3000/callback'],
  ],
  [
    'https://xn--bcher-kva.example/callback',
    ['https://xn--bcher-kva.example/callback'],
    ['https://bücher.example/callback', 'https://bucher.example/callback', 'https://b%C3%BCcher.example/callback'],
  ],
  [
    'https://[2606:4700::1111]/callback',
    ['https://[2606:4700::1111]/callback'],
    ['https://[2606:4700:0:0:0:0:0:1111]/callback', 'https://[2606:4700::1112]/callback'],
  ],
]
for (const [entry, allowed, rejected] of entries) {
  const rules = rulesOf(entry)
  for (const uri of allowed) {
    test(`the entry ${entry} allows ${uri}`, () => assert.equal(isRedirectAllowed(uri, rules), true))
  }
  for (const uri of rejected) {
    test(`the entry ${entry} does not allow ${uri}`, () => assert.equal(isRedirectAllowed(uri, rules), false))
  }
}

test('one entry of many is enough, and an empty list allows nothing', () => {
  const rules = rulesOf('https://one.example', 'https://app.example/callback')
  assert.equal(isRedirectAllowed('https://app.example/callback', rules), true)
  assert.equal(isRedirectAllowed('https://app.example/callback', []), false)
})

/** A list with one entry of each kind, as an operator may have it. */
const listed = rulesOf(
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'http://127.0.0.1',
  'http://localhost',
  'http://[::1]',
  'https://app.example',
  'https://exact.example/callback',
  'https://below.example/oauth/',
)

const attacks: readonly [name: string, uris: readonly string[]][] = [
  [
    'a name that begins like an allowed one',
    [
      'http://localhost.evil.example/',
      'http://localhost.evil.example:3000/callback',
      'http://127.0.0.1.evil.example/',
      'https://app.example.evil.example/',
      'https://app.example-evil.example/',
      'http://localhostevil/',
    ],
  ],
  [
    'userinfo',
    [
      'http://localhost@evil.example/',
      'http://localhost:3000@evil.example/',
      'http://evil@localhost:3000/',
      'http://@localhost/',
      'http://:@localhost/',
      'https://app.example:443@evil.example/',
      'https://app.example%40evil.example/',
      'https://evil.example#@app.example/',
      'https://evil.example/@app.example/',
      'https://app.example/@evil.example/',
    ],
  ],
  [
    'a host with a final dot',
    ['http://localhost./', 'http://localhost.:3000/', 'http://127.0.0.1./', 'https://app.example./callback'],
  ],
  [
    'an encoded dot',
    [
      'https://app%2eexample/',
      'http://127%2e0%2e0%2e1/',
      'https://below.example/oauth/%2e%2e/admin',
      'https://below.example/oauth/%2E%2E/admin',
      'https://below.example/oauth/.%2e/admin',
      'https://below.example/oauth/a%2eb',
      'https://exact.example/%2e/callback',
    ],
  ],
  [
    'an encoded slash or backslash',
    [
      'https://below.example/oauth/..%2fadmin',
      'https://below.example/oauth/..%2Fadmin',
      'https://below.example/oauth/%5c..%5cadmin',
      'https://below.example/oauth/%5C',
      'https://app.example%2fevil.example/',
      'https://evil.example%2f.app.example/',
    ],
  ],
  [
    'a backslash',
    [
      'http:\\\\localhost\\callback',
      'https://app.example\\@evil.example/',
      'https://evil.example\\.app.example/',
      'https://evil.example\\app.example/',
      'https://below.example/oauth\\..\\admin',
      'https://below.example/oauth/\\',
      'https://app.example/?\\',
    ],
  ],
  [
    'white space and control characters',
    [
      'http://local\thost/',
      'http://localhost\t/',
      'http://localhost/\n',
      '\nhttp://localhost/',
      ' http://localhost/',
      'http://localhost/ ',
      'http://localhost/a b',
      'http://localhost/\r\nlocation: https://evil.example',
      'ht\ntp://localhost/',
      'http://localhost/\u0000',
      'http://localhost/%00',
      'http://localhost/\u007f',
      'https://app.example/\u00a0',
      'https://app.example/\u2028',
      '\ufeffhttps://app.example/',
    ],
  ],
  [
    'a scheme that runs or shows something',
    [
      'javascript:alert(1)',
      'javascript://localhost/%0aalert(1)',
      'JavaScript:alert(1)',
      'java\tscript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      'data:,',
      'vbscript:x',
      'blob:https://app.example/6f1c',
      'file:///etc/passwd',
      'file://localhost/etc/passwd',
      'about:blank',
      'view-source:https://app.example/',
      'filesystem:https://app.example/',
    ],
  ],
  [
    'another scheme',
    [
      'com.example.app:/callback',
      'com.example.app://callback',
      'vscode://app.example/',
      'ftp://app.example/',
      'ws://localhost/',
      'wss://app.example/',
      'http://app.example/',
      'http://exact.example/callback',
      'httpss://app.example/',
      'https+http://app.example/',
    ],
  ],
  [
    'a scheme that is not written out',
    [
      '//app.example/',
      '///app.example/',
      '/callback',
      'callback',
      '?a=b',
      '',
      'https:app.example/',
      'https:/app.example/',
      'https:///app.example/',
      'https:////app.example/',
      'http:localhost/',
      ':https://app.example/',
    ],
  ],
  [
    'an unusual form of an IPv6 address',
    [
      'http://[0:0:0:0:0:0:0:1]/',
      'http://[::0001]/',
      'http://[::0:1]/',
      'http://[::1%25lo]/',
      'http://[::1%lo]/',
      'http://[::1]./',
      'http://[::1].evil.example/',
      'http://[::1]evil.example/',
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:7f00:1]/',
      'http://[::127.0.0.1]/',
      'http://[::]/',
      'http://[fe80::1]/',
      'http://::1/',
      'http://[::1/',
      'http://[v1.a]/',
    ],
  ],
  [
    'an unusual form of an IPv4 address',
    [
      'http://2130706433/',
      'http://0x7f000001/',
      'http://0x7f.0.0.1/',
      'http://0X7F.1/',
      'http://0177.0.0.1/',
      'http://017700000001/',
      'http://127.1/',
      'http://127.0.1/',
      'http://127.00.0.1/',
      'http://127.0.0.01/',
      'http://127.0.0.0x1/',
      'http://127.0.0.1.1/',
      'http://127.0.0.256/',
      'http://①②⑦.0.0.1/',
      'http://127。0。0。1/',
      'http://0/',
      'http://0.0.0.0/',
    ],
  ],
  [
    'upper case where it does not count',
    [
      'HTTP://localhost/',
      'Http://localhost/',
      'http://LOCALHOST/',
      'http://Localhost:3000/',
      'HTTPS://app.example/',
      'https://APP.example/callback',
      'https://app.Example/callback',
    ],
  ],
  [
    'a port that need not be written',
    [
      'https://app.example:443/',
      'https://app.example:/',
      'https://app.example:0443/',
      'http://localhost:80/',
      'http://localhost:/',
      'http://localhost:03000/',
      'https://exact.example:443/callback',
    ],
  ],
  [
    'a fragment',
    [
      'https://app.example/#',
      'https://app.example/#code=evil',
      'https://app.example#',
      'https://exact.example/callback#',
      'https://app.example/%0a#',
      'http://localhost:3000/callback#a',
    ],
  ],
  [
    'a path that only begins like an allowed one',
    [
      'https://below.example/oauthevil',
      'https://below.example/oauth.evil/',
      'https://below.example/oauth',
      'https://exact.example/callbackevil',
      'https://exact.example/callback/evil',
    ],
  ],
  [
    'dot segments',
    [
      'https://below.example/oauth/../admin',
      'https://below.example/oauth/..',
      'https://below.example/oauth/./callback',
      'https://below.example/oauth/a/../../admin',
      'https://below.example/admin/../oauth/callback',
      'https://exact.example/./callback',
      'https://exact.example/a/../callback',
      'https://exact.example/../callback',
    ],
  ],
  [
    'a parameter of the response',
    [
      'https://app.example/?code=evil',
      'https://app.example/?state=evil',
      'https://app.example/?a=b&st%61te=evil',
      'https://app.example/?iss=https://evil.example',
      'https://app.example/?error=access_denied',
      'https://app.example/?error_description=Call+us',
      'https://app.example/?error_uri=https://evil.example',
      'https://app.example/?a=b&code',
      'https://app.example/?%63ode=evil',
      'https://app.example/?c%6Fd%65=evil',
      'http://localhost:3000/?iss=',
    ],
  ],
  ['an empty query', ['https://app.example/?', 'https://app.example?', 'https://exact.example/callback?']],
  [
    'letters that look alike',
    [
      'https://аpp.example/',
      'https://ａｐｐ.example/',
      'https://app。example/',
      'https://app.example∕callback',
      'https://xn--pp-7kc.example/',
      'http://localhoſt/',
      'http://ⓛocalhost/',
      'https://app.example/cällback',
      'https://app.ex\u00adample/',
      'https://app.ex\u200bample/',
    ],
  ],
  [
    'a name that is none',
    [
      'https://app_x.example/',
      'https://*.example/',
      'https://*/',
      'https://app..example/',
      'https://.app.example/',
      'https://app.example,evil.example/',
      'https://app.example;evil.example/',
      'https://app.example evil.example/',
      'https://app.example&evil.example/',
      'https:///',
      'https://',
      'http://?localhost',
    ],
  ],
  [
    'too long a text',
    [`https://app.example/${'a'.repeat(2_000)}`, `http://localhost/?${'a'.repeat(1_984)}`, 'a'.repeat(1_000_000)],
  ],
  [
    'more than one URI',
    ['https://app.example/,https://evil.example/ ', 'https://app.example/ https://evil.example/', '*', 'null'],
  ],
]
for (const [name, uris] of attacks) {
  test(`${name} is rejected`, () => {
    for (const uri of uris) assert.equal(isRedirectAllowed(uri, listed), false, JSON.stringify(uri.slice(0, 200)))
  })
}

for (const [name, uris] of Object.entries(hostileRedirects)) {
  test(`${name} is rejected by a list with an entry of each kind`, () => {
    const rules = rulesOf(...allowedRedirects)
    for (const uri of uris) assert.equal(isRedirectAllowed(uri, rules), false, JSON.stringify(uri.slice(0, 200)))
  })
}

test('a URI of 2,000 characters is not too long, and one more is', () => {
  const longest = `https://app.example/${'a'.repeat(2_000 - 'https://app.example/'.length)}`
  assert.equal(isRedirectAllowed(longest, listed), true)
  assert.equal(isRedirectAllowed(`${longest}a`, listed), false)
})

for (const [entry, rule] of [
  ['https://app.example', { origin: 'https://app.example', anyPort: false, path: '*' }],
  ['https://app.example/', { origin: 'https://app.example', anyPort: false, path: '/' }],
  ['https://app.example/callback', { origin: 'https://app.example', anyPort: false, path: '/callback' }],
  ['https://app.example:8443/oauth/', { origin: 'https://app.example:8443', anyPort: false, path: '/oauth/' }],
  ['http://localhost', { origin: 'http://localhost', anyPort: true, path: '*' }],
  ['http://127.0.0.1/callback', { origin: 'http://127.0.0.1', anyPort: true, path: '/callback' }],
  ['http://[::1]/', { origin: 'http://[::1]', anyPort: true, path: '/' }],
  ['http://localhost:3000', { origin: 'http://localhost:3000', anyPort: false, path: '*' }],
  ['cursor://anysphere.cursor-mcp/oauth/callback', { uri: 'cursor://anysphere.cursor-mcp/oauth/callback' }],
  ['com.example.app:/callback', { uri: 'com.example.app:/callback' }],
  ['com.example.app:/callback?a=b', { uri: 'com.example.app:/callback?a=b' }],
] as const) {
  test(`${entry} is an entry`, () => assert.deepEqual(parseRedirectRule(entry), rule))
}

for (const entry of [
  '',
  '*',
  'app.example',
  'http://app.example',
  'http://app.example/callback',
  'HTTPS://app.example',
  'https://APP.example',
  'https://app.example:443',
  'http://localhost:80',
  'https://app.example?',
  'https://app.example/callback?a=b',
  'https://app.example/callback#',
  'https://user@app.example',
  'https://app.example/../callback',
  'https://app.example/%2e',
  'https://*.example',
  'https://app.*',
  'https://app.example:*',
  'https://app.example.',
  'http://127.1',
  'http://0.0.0.0',
  'http://10.0.0.1',
  'http://[::]',
  'javascript:alert(1)',
  'com.example.app:/callback?code=x',
  'com.example.app:/callback?a=b&state=x',
  'com.example.app:/callback/',
  'com.example.app:/*',
  'com.example.app:callback',
  'data:text/html,x',
  'file:///etc/passwd',
  'blob:https://app.example/x',
  'intent://app.example/callback',
  'web+app://callback',
  'https://bücher.example',
  'https://',
]) {
  test(`${JSON.stringify(entry)} is no entry`, () => assert.equal(parseRedirectRule(entry), undefined))
}

const ofApp = 'cursor://anysphere.cursor-mcp/oauth/callback'
test('a URI of an app is allowed as it is listed', () => assert.equal(isRedirectAllowed(ofApp, listed), true))
for (const uri of [
  `${ofApp}/`,
  `${ofApp}/more`,
  `${ofApp}?a=b`,
  `${ofApp}#`,
  `${ofApp}x`,
  ofApp.slice(0, -1),
  ofApp.toUpperCase(),
  'Cursor://anysphere.cursor-mcp/oauth/callback',
  'cursor://Anysphere.cursor-mcp/oauth/callback',
  'cursor://anysphere.cursor-mcp:1/oauth/callback',
  'cursor://a@anysphere.cursor-mcp/oauth/callback',
  'cursor://anysphere.cursor-mcp',
  'cursor://anysphere.cursor-mcp/',
  'cursor://evil/oauth/callback',
  'cursor:/oauth/callback',
  'cursors://anysphere.cursor-mcp/oauth/callback',
  'https://anysphere.cursor-mcp/oauth/callback',
  'javascript://anysphere.cursor-mcp/oauth/callback',
]) {
  test(`${uri} is not allowed where ${ofApp} is`, () => assert.equal(isRedirectAllowed(uri, listed), false))
}

for (const [uri, place] of [
  ['https://app.example/callback', 'web'],
  ['https://localhost.example/callback', 'web'],
  ['http://127.0.0.1:1/callback', 'loopback'],
  ['http://[::1]:1/callback', 'loopback'],
  ['https://localhost/callback', 'loopback'],
  [ofApp, 'app'],
  ['com.example.app:/callback', 'app'],
  ['com.example.app://localhost/callback', 'app'],
  ['com.example.app://127.0.0.1:1/callback', 'app'],
] as const) {
  test(`${uri} leads to: ${place}`, () => assert.equal(placeOf(uri), place))
}

const registrations: readonly [uri: string, registered: readonly string[], expected: boolean][] = [
  ['https://app.example/callback', ['https://app.example/callback'], true],
  ['https://app.example/callback', ['https://one.example/', 'https://app.example/callback'], true],
  ['https://app.example/callback', [], false],
  ['https://app.example/callback', ['https://app.example'], false],
  ['https://app.example', ['https://app.example/'], false],
  ['https://app.example/callback/', ['https://app.example/callback'], false],
  ['https://app.example/callback?a=b', ['https://app.example/callback'], false],
  ['https://app.example/callback', ['https://app.example/callback?a=b'], false],
  ['https://app.example:8443/callback', ['https://app.example/callback'], false],
  ['http://127.0.0.1:33418/callback', ['http://127.0.0.1/callback'], true],
  ['http://127.0.0.1:33418/callback', ['http://127.0.0.1:1/callback'], true],
  ['http://127.0.0.1/callback', ['http://127.0.0.1:1/callback'], true],
  ['http://[::1]:33418/callback', ['http://[::1]/callback'], true],
  ['http://localhost:1/callback?a=b', ['http://localhost:2/callback?a=b'], true],
  ['http://localhost:1', ['http://localhost:2/'], true],
  ['http://localhost:1/callback?a=b', ['http://localhost:2/callback'], false],
  ['http://localhost:1/callback?a=b', ['http://localhost:2/callback?a=c'], false],
  ['http://localhost:1/other', ['http://localhost:1/callback'], false],
  ['http://localhost:1/callback/', ['http://localhost:1/callback'], false],
  ['https://localhost:1/callback', ['http://localhost:1/callback'], false],
  ['http://localhost:1/callback', ['http://127.0.0.1:1/callback'], false],
  ['http://127.0.0.2:1/callback', ['http://127.0.0.1:1/callback'], false],
  [ofApp, [ofApp], true],
  [ofApp, ['https://app.example/callback'], false],
  ['com.example.app://localhost:1/callback', ['com.example.app://localhost:2/callback'], false],
]
for (const [uri, registered, expected] of registrations) {
  test(`${uri} is ${expected ? '' : 'not '}one of [${registered}]`, () => {
    assert.equal(isRegistered(uri, registered), expected)
  })
}

/** The list once more, as plain data for a judge of its own; no port: any will do. */
const meant = [
  { entry: 'http://127.0.0.1', protocol: 'http:', hostname: '127.0.0.1', kind: 'any', path: '/' },
  { entry: 'http://localhost:3000', protocol: 'http:', hostname: 'localhost', port: '3000', kind: 'any', path: '/' },
  { entry: 'http://[::1]/oauth/', protocol: 'http:', hostname: '[::1]', kind: 'below', path: '/oauth/' },
  { entry: 'https://app.example', protocol: 'https:', hostname: 'app.example', port: '', kind: 'any', path: '/' },
  {
    entry: 'https://exact.example/callback',
    protocol: 'https:',
    hostname: 'exact.example',
    port: '',
    kind: 'exact',
    path: '/callback',
  },
  {
    entry: 'https://below.example:8443/oauth/',
    protocol: 'https:',
    hostname: 'below.example',
    port: '8443',
    kind: 'below',
    path: '/oauth/',
  },
] as const
const rules = rulesOf(...meant.map(({ entry }) => entry))

/** Whether a URI is what the list means, to one reader after the URL standard and to one after RFC 3986 appendix B. */
function isMeant(uri: string): boolean {
  const url = new URL(uri)
  const [, scheme, authority = '', path, , query, fragment] =
    /^([^:/?#]+:)\/\/([^/?#]*)([^?#]*)(\?([^#]*))?(#.*)?$/.exec(uri) ?? []
  if (`${url.username}${url.password}${url.hash}` !== '' || authority.includes('@') || fragment !== undefined) {
    return false
  }
  if (scheme !== url.protocol || authority !== url.host || (path || '/') !== url.pathname) return false
  return meant.some((one) => {
    if (url.protocol !== one.protocol || url.hostname !== one.hostname) return false
    if ('port' in one && url.port !== one.port) return false
    if (one.kind === 'exact') return url.pathname === one.path && query === undefined
    return one.kind === 'any' || url.pathname.startsWith(one.path)
  })
}

const isOwnCanonicalForm = (uri: string) => uri === new URL(uri).href || `${uri}/` === new URL(uri).href

const segment = fc.string({ unit: fc.constantFrom(...'abz019-_~!$()*+,;=:'), minLength: 1, maxLength: 8 })
const port = fc.integer({ min: 1, max: 65_535 }).filter((number) => number !== 80)
/** URIs that the list means, with a port and further segments where these are free. */
const allowedUri = fc
  .tuple(fc.constantFrom(...meant), port, fc.array(segment, { maxLength: 3 }))
  .map(([{ entry, kind, ...rest }, anyPort, segments]) => {
    const { protocol, hostname, pathname } = new URL(entry)
    const given = 'port' in rest ? rest.port : String(anyPort)
    const origin = `${protocol}//${hostname}${given === '' ? '' : `:${given}`}`
    return kind === 'exact' ? `${origin}${pathname}` : `${origin}${pathname}${segments.join('/')}`
  })

test('whatever the list means is allowed', () => {
  fc.assert(fc.property(allowedUri, (uri) => assert.equal(isRedirectAllowed(uri, rules), true)))
})

const splinter = fc.constantFrom(
  ...['/', '\\', '@', '#', '?', ':', '.', '..', '/../', '%2e', '%2f', '%5c', '%00', '%40', '%', '\t', '\n', '\0', ' '],
  ...['evil.example', '.evil.example', 'localhost', '127.0.0.1', '[::1]', '0x7f', ':443', ':80', ':3000', 'https://'],
  ...['a', 'A', '0', '*', '&', ';', '[', ']', 'é', '。', '\u200b', 'ſ', '?code=', '&iss=', 'javascript:', 'user@'],
)
/** An allowed URI with up to four pieces cut out, put in or repeated anywhere. */
const mutatedUri = fc
  .tuple(
    allowedUri,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), fc.oneof(splinter, fc.constant(''))), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([uri, changes]) =>
    changes.reduce((text, [place, cut, put]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + put + text.slice(at + cut)
    }, uri),
  )
/** Any web URL, often on a host of the list. */
const webUrl = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true, size: 'medium' }),
  fc
    .tuple(
      fc.constantFrom('http://', 'https://', 'http:/', 'HTTPS://', 'https:\\\\'),
      fc.constantFrom('', 'a@', 'a:b@', 'evil.', 'app.example@'),
      fc.constantFrom(
        '127.0.0.1',
        'localhost',
        '[::1]',
        'app.example',
        'exact.example',
        'below.example',
        'evil.example',
      ),
      fc.constantFrom('', ':3000', ':8443', ':443', ':80', ':', '.', '.:3000', '.evil.example'),
      fc.webPath({ size: 'small' }),
      fc.oneof(
        fc.constant(''),
        fc.webQueryParameters().map((query) => `?${query}`),
      ),
      fc.oneof(
        fc.constant(''),
        fc.webFragments().map((fragment) => `#${fragment}`),
      ),
    )
    .map((parts) => parts.join('')),
)

for (const [name, uris] of [
  ['an allowed one changed at random', mutatedUri],
  ['any web URL', webUrl],
  ['any text', fc.string({ unit: 'binary' })],
] as const) {
  test(`nothing that is not on the list passes, and what passes is its own canonical form: ${name}`, () => {
    fc.assert(
      fc.property(uris, (uri) => {
        if (!isRedirectAllowed(uri, rules)) return
        assert.ok(isMeant(uri), `${JSON.stringify(uri)} passed`)
        assert.ok(isOwnCanonicalForm(uri), `${JSON.stringify(uri)} is not canonical`)
      }),
      { numRuns: 3_000 },
    )
  })
}

test('whatever is an entry allows itself, and nothing on another host', () => {
  fc.assert(
    fc.property(fc.oneof(mutatedUri, webUrl), (entry) => {
      const rule = parseRedirectRule(entry)
      if (rule === undefined) return
      assert.equal(isRedirectAllowed(entry, [rule]), true)
      const { host } = new URL(entry)
      const others = [`evil.${host}`, `evil-${host}`, `${host}.evil.example`, 'evil.example']
      for (const other of others.filter((one) => one !== host)) {
        assert.equal(isRedirectAllowed(entry.replace(host, other), [rule]), false, other)
      }
    }),
    { numRuns: 1_000 },
  )
})
