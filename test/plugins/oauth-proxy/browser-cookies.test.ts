import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cookies, parseCookie } from 'cookie'
import { createBrowserCookies, type RememberedConsent } from '../../../src/plugins/oauth-proxy/browser-cookies.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'

const dayMs = 86_400_000
const key = Buffer.alloc(32, 1).toString('base64')

/** A server's cookies with a clock of the test's own. */
function createCookies({ secure = true, sealKey = key } = {}) {
  const clock = { nowMs: 1_764_000_000_000 }
  const now = () => clock.nowMs
  const seals = createSeals([sealKey], now)
  const consents = seals<readonly RememberedConsent[]>('consents')
  const cookies = createBrowserCookies(secure ? 'https://mcp.example' : 'http://localhost', consents, now)
  const begin = (held: Cookies, isUserInitiated = true) => cookies.begin(held, { isUserInitiated })
  return { clock, seals, consents, ...cookies, begin }
}

/** A `Set-Cookie` value in its parts. */
function partsOf(setCookie: string) {
  const [pair = '', ...attributes] = setCookie.split('; ')
  const split = pair.indexOf('=')
  return { name: pair.slice(0, split), value: pair.slice(split + 1), attributes: attributes.sort() }
}

/** A browser, as far as cookies of one site go: what is set is stored by name, until it is set to end. */
function createJar() {
  const held = new Map<string, string>()
  return {
    get cookies(): Cookies {
      return parseCookie([...held].map(([name, value]) => `${name}=${value}`).join('; '))
    },
    take(...setCookies: readonly string[]) {
      for (const { name, value, attributes } of setCookies.map(partsOf)) {
        if (attributes.includes('Max-Age=0')) held.delete(name)
        else held.set(name, value)
      }
    },
  }
}

for (const [secure, prefix, flags] of [
  [true, '__Host-', ['Secure']],
  [false, '', []],
] as const) {
  const origin = secure ? 'https' : 'http'

  test(`under ${origin}, a sign-in’s cookie is bound to this host as far as can be, lax, and hidden from scripts`, () => {
    const { begin } = createCookies({ secure })
    const { binding, setCookies } = begin({})
    assert.equal(setCookies.length, 1)
    const { name, value, attributes } = partsOf(setCookies[0] ?? '')
    assert.equal(name, `${prefix}mcp-sign-in-${binding.id}`)
    assert.equal(value, binding.secret)
    assert.deepEqual(attributes, ['HttpOnly', 'Max-Age=600', 'Path=/', 'SameSite=Lax', ...flags].sort())
  })

  test(`under ${origin}, a sign-in that ends takes its cookie along, by the same name and flags`, () => {
    const { begin, end } = createCookies({ secure })
    const { binding } = begin({})
    const { name, value, attributes } = partsOf(end(binding))
    assert.deepEqual([name, value], [`${prefix}mcp-sign-in-${binding.id}`, ''])
    assert.deepEqual(attributes, ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Lax', ...flags].sort())
  })

  test(`under ${origin}, the consents’ cookie is strict, sealed, and lasts for thirty days`, async () => {
    const { remember } = createCookies({ secure })
    const { name, value, attributes } = partsOf(await remember({}, 'a-consent'))
    assert.equal(name, `${prefix}mcp-consents`)
    assert.match(value, /^[A-Za-z0-9_.-]+$/)
    assert.deepEqual(attributes, ['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Strict', ...flags].sort())
  })
}

test('each sign-in has an id and a secret of its own', () => {
  const { begin } = createCookies()
  const bindings = Array.from({ length: 1_000 }, () => begin({}).binding)
  assert.equal(new Set(bindings.map(({ id }) => id)).size, 1_000)
  assert.equal(new Set(bindings.map(({ secret }) => secret)).size, 1_000)
  for (const { id, secret } of bindings) {
    assert.match(id, /^[A-Za-z0-9_-]{17}$/)
    assert.match(secret, /^[A-Za-z0-9_-]{32}$/)
  }
})

test('the browser in which a sign-in began holds it, and so does each of its tabs', () => {
  const { begin, holds } = createCookies()
  const jar = createJar()
  const tabs = Array.from({ length: 3 }, () => {
    const { binding, setCookies } = begin(jar.cookies)
    jar.take(...setCookies)
    return binding
  })
  for (const binding of tabs) assert.equal(holds(jar.cookies, binding), true)
})

test('a sign-in that ended is no longer valid, and the others are', () => {
  const { begin, holds, end } = createCookies()
  const jar = createJar()
  const [one, other] = [begin({}), begin({})]
  jar.take(...one.setCookies, ...other.setCookies)
  jar.take(end(one.binding))
  assert.equal(holds(jar.cookies, one.binding), false)
  assert.equal(holds(jar.cookies, other.binding), true)
})

test('no other cookie will do', () => {
  const { begin, holds } = createCookies()
  const { binding } = begin({})
  const { binding: other } = begin({})
  const name = `__Host-mcp-sign-in-${binding.id}`
  const { secret } = binding
  assert.equal(holds({ [name]: secret }, binding), true)
  const forged: readonly Cookies[] = [
    {},
    { [name]: undefined },
    { [name]: '' },
    { [name]: other.secret },
    { [name]: secret.slice(1) },
    { [name]: `${secret}A` },
    { [name]: secret.toLowerCase() },
    { [name]: 'é'.repeat(16) },
    { [name]: `${secret},${secret}` },
    { [`__Host-mcp-sign-in-${other.id}`]: secret },
    { [name.slice('__Host-'.length)]: secret },
    { [name.replace('__Host-', '__host-')]: secret },
    { [name.replace('__Host-', '__Secure-')]: secret },
    { [`${name} `]: secret },
    { '__Host-mcp-sign-in-': secret },
    { '__Host-mcp-consents': secret },
  ]
  for (const cookies of forged) assert.equal(holds(cookies, binding), false, JSON.stringify(cookies))
})

test('a browser has at most eight sign-ins under way: the oldest ends where a ninth begins', () => {
  const { begin, holds, clock } = createCookies()
  const jar = createJar()
  const begun = Array.from({ length: 12 }, () => {
    clock.nowMs += 1
    const { binding, setCookies } = begin(jar.cookies)
    jar.take(...setCookies)
    assert.ok(Object.keys(jar.cookies).length <= 8)
    return binding
  })
  assert.deepEqual(
    begun.map((binding) => holds(jar.cookies, binding)),
    [false, false, false, false, ...Array<boolean>(8).fill(true)],
  )
})

test('the oldest goes first in any order of cookies, and over the years', () => {
  const { begin, holds, clock } = createCookies()
  const bindings = Array.from({ length: 8 }, () => {
    clock.nowMs += 3 * 365 * dayMs
    return begin({}).binding
  })
  const cookies = Object.fromEntries(
    bindings.toReversed().map(({ id, secret }) => [`__Host-mcp-sign-in-${id}`, secret] as const),
  )
  const { setCookies } = begin(cookies)
  const [dropped, begun, ...more] = setCookies.map(partsOf)
  assert.equal(dropped?.name, `__Host-mcp-sign-in-${bindings[0]?.id}`)
  assert.ok(dropped?.attributes.includes('Max-Age=0'))
  assert.ok(begun?.attributes.includes('Max-Age=600'))
  assert.deepEqual(more, [])
  assert.ok(bindings.every((binding) => holds(cookies, binding)))
})

test('a browser that brings too many is brought down to eight at once', () => {
  const { begin, clock } = createCookies()
  const jar = createJar()
  for (let i = 0; i < 30; i++) {
    clock.nowMs += 1
    jar.take(...begin({}).setCookies)
  }
  jar.take(...begin(jar.cookies).setCookies)
  assert.equal(Object.keys(jar.cookies).length, 8)
})

test('what other sites lead to pushes out neither what the user began nor what they have allowed', () => {
  const { begin, holds, renew, clock } = createCookies()
  const jar = createJar()
  const start = (isUserInitiated: boolean) => {
    clock.nowMs += 1
    const { binding, setCookies } = begin(jar.cookies, isUserInitiated)
    jar.take(...setCookies)
    return binding
  }
  const [own, allowed, pending] = [start(true), start(false), start(false)]
  jar.take(renew(allowed))
  const flood = Array.from({ length: 20 }, () => start(false))
  assert.deepEqual(
    [own, allowed, pending].map((binding) => holds(jar.cookies, binding)),
    [true, true, false],
  )
  assert.deepEqual(
    flood.map((binding) => holds(jar.cookies, binding)),
    [...Array<boolean>(12).fill(false), ...Array<boolean>(8).fill(true)],
  )
  assert.equal(Object.keys(jar.cookies).length, 10)
  for (let i = 0; i < 20; i++) start(true)
  assert.equal(Object.keys(jar.cookies).length, 16)
  assert.ok(flood.slice(12).every((binding) => holds(jar.cookies, binding)))
})

test('a sign-in that a site led to is bound to its browser like any other', () => {
  const { begin, holds, end } = createCookies()
  const jar = createJar()
  const { binding, setCookies } = begin({}, false)
  jar.take(...setCookies)
  assert.equal(holds(jar.cookies, binding), true)
  const name = `__Host-mcp-sign-in-${binding.id}`
  for (const value of [
    `${binding.secret}.linked.linked`,
    `${binding.secret}.`,
    '.linked',
    `${binding.secret.startsWith('x') ? 'y' : 'x'}${binding.secret.slice(1)}.linked`,
  ]) {
    assert.equal(holds({ [name]: value }, binding), false, value)
  }
  jar.take(end(binding))
  assert.equal(holds(jar.cookies, binding), false)
})

test('cookies that are not of a sign-in do not count, and stay', async () => {
  const { begin, remember } = createCookies()
  const jar = createJar()
  for (let i = 0; i < 20; i++) jar.take(`other-${i}=x`, `mcp-sign-in-${i}=x`)
  jar.take(await remember({}, 'a-consent'))
  assert.equal(begin(jar.cookies).setCookies.length, 1)
})

test('names that no server could have set do not keep a sign-in from beginning', () => {
  const { begin } = createCookies()
  const names = ['0 a', '0\ta', '0é', '0\u00ff', ...Array.from({ length: 8 }, (_, i) => `z${i}`)]
  const cookies = parseCookie(names.map((name) => `__Host-mcp-sign-in-${name}=x`).join('; '))
  assert.equal(Object.keys(cookies).length, 12)
  assert.ok(begin(cookies).binding)
})

test('a consent is remembered by its key alone', async () => {
  const { remember, hasConsented } = createCookies()
  const jar = createJar()
  assert.equal(await hasConsented(jar.cookies, 'one'), false)
  jar.take(await remember(jar.cookies, 'one'))
  assert.equal(await hasConsented(jar.cookies, 'one'), true)
  for (const other of ['two', 'on', 'one ', 'ONE', ''])
    assert.equal(await hasConsented(jar.cookies, other), false, other)
})

test('consents add up, and the latest twenty are remembered', async () => {
  const { remember, hasConsented } = createCookies()
  const jar = createJar()
  for (let i = 0; i < 25; i++) jar.take(await remember(jar.cookies, `consent-${i}`))
  assert.deepEqual(await Promise.all(Array.from({ length: 25 }, (_, i) => hasConsented(jar.cookies, `consent-${i}`))), [
    ...Array<boolean>(5).fill(false),
    ...Array<boolean>(20).fill(true),
  ])
})

test('a consent that is given again is the latest, and takes one place', async () => {
  const { remember, hasConsented } = createCookies()
  const jar = createJar()
  for (let i = 0; i < 20; i++) jar.take(await remember(jar.cookies, `consent-${i}`))
  for (let i = 0; i < 5; i++) jar.take(await remember(jar.cookies, 'consent-0'))
  jar.take(await remember(jar.cookies, 'consent-20'))
  assert.equal(await hasConsented(jar.cookies, 'consent-0'), true)
  assert.equal(await hasConsented(jar.cookies, 'consent-1'), false)
  assert.equal(await hasConsented(jar.cookies, 'consent-2'), true)
})

test('the cookie of twenty consents stays far below what browsers take', async () => {
  const { remember } = createCookies()
  const jar = createJar()
  let longest = 0
  for (let i = 0; i < 50; i++) {
    const setCookie = await remember(jar.cookies, `${i}`.padStart(22, 'k'))
    longest = Math.max(longest, setCookie.length)
    jar.take(setCookie)
  }
  assert.ok(longest < 1_300, `${longest} characters`)
})

test('a consent ends after thirty days, and a later one does not make it last longer', async () => {
  const { remember, hasConsented, clock } = createCookies()
  const jar = createJar()
  jar.take(await remember(jar.cookies, 'early'))
  clock.nowMs += 20 * dayMs
  jar.take(await remember(jar.cookies, 'late'))
  clock.nowMs += 10 * dayMs - 1_000
  assert.equal(await hasConsented(jar.cookies, 'early'), true)
  clock.nowMs += 1_000
  assert.equal(await hasConsented(jar.cookies, 'early'), false)
  assert.equal(await hasConsented(jar.cookies, 'late'), true)
  clock.nowMs += 20 * dayMs
  assert.equal(await hasConsented(jar.cookies, 'late'), false)
})

test('consents that have ended are not taken along', async () => {
  const { remember, consents, clock } = createCookies()
  const jar = createJar()
  jar.take(await remember(jar.cookies, 'early'))
  clock.nowMs += 15 * dayMs
  jar.take(await remember(jar.cookies, 'middle'))
  clock.nowMs += 15 * dayMs
  jar.take(await remember(jar.cookies, 'late'))
  const opened = await consents.open(jar.cookies['__Host-mcp-consents'] ?? '')
  assert.deepEqual('value' in opened && opened.value.map(([one]) => one), ['middle', 'late'])
})

test('what was tampered with, sealed for something else or by another server is no consent, and no obstacle', async () => {
  const { remember, hasConsented, consents, seals, clock } = createCookies()
  const sealed = partsOf(await remember({}, 'a-consent')).value
  const untilSeconds = clock.nowMs / 1000 + 1_000
  const forged: readonly string[] = [
    '',
    'x',
    sealed.slice(1),
    `${sealed}A`,
    sealed.slice(0, -2),
    `${sealed[0] === 'A' ? 'B' : 'A'}${sealed.slice(1)}`,
    JSON.stringify([['a-consent', untilSeconds]]),
    Buffer.from(JSON.stringify([['a-consent', untilSeconds]])).toString('base64url'),
    await seals<readonly RememberedConsent[]>('code').seal([['a-consent', untilSeconds]], 1_000_000),
    partsOf(await createCookies({ sealKey: Buffer.alloc(32, 2).toString('base64') }).remember({}, 'a-consent')).value,
  ]
  for (const value of forged) {
    const cookies = { '__Host-mcp-consents': value }
    assert.equal(await hasConsented(cookies, 'a-consent'), false, value)
    const opened = await consents.open(partsOf(await remember(cookies, 'another')).value)
    assert.deepEqual('value' in opened && opened.value.map(([one]) => one), ['another'])
  }
})

test('consents under another name are none', async () => {
  const { remember, hasConsented } = createCookies()
  const { value } = partsOf(await remember({}, 'a-consent'))
  assert.equal(await hasConsented({ 'mcp-consents': value, '__Secure-mcp-consents': value }, 'a-consent'), false)
})
