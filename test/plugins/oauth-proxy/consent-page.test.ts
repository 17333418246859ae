import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Page } from '../../../src/lib/page.ts'
import { errorPage } from '../../../src/plugins/error-handlers/index.ts'
import type { Client } from '../../../src/plugins/oauth-proxy/clients.ts'
import { type ConsentRequest, consentPage, onwardPage } from '../../../src/plugins/oauth-proxy/consent-page.ts'

const registered: Client = { id: 'sealed', kind: 'registered', name: 'A client' }
const documented: Client = { id: 'https://client.example:8443/client.json', kind: 'document', name: 'A client' }
const consent = (own: Partial<ConsentRequest> = {}) =>
  consentPage({
    client: registered,
    redirectUri: 'https://app.example/callback',
    permits: ['Read something'],
    server: 'https://mcp.contoso.example:8443',
    form: 'a-sealed-form',
    isRemembered: false,
    ...own,
  })

const pages: readonly [name: string, page: Page, title: string, heading: string][] = [
  ['the consent page', consent(), 'Allow this app?', 'Allow this app to read the Message Center as you?'],
  ['the onward page', onwardPage('https://app.example/?a=b&c=d', 'the app'), 'Redirecting', 'Redirecting'],
  ['the error page', errorPage('It did not work.', 'req-1'), 'Sign-in failed', 'Sign-in failed'],
]

/** Tags of a document with their attributes, in order; every `<` has to begin one. */
function tagsOf(page: Page): { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] {
  const body = page.html.replace(/<style>[^<]*<\/style>/, '<style></style>')
  const tags = [...body.matchAll(/<(\/?[a-z!][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g)]
  assert.equal(tags.length, body.split('<').length - 1, 'a "<" begins no tag')
  assert.equal(tags.length, body.split('>').length - 1, 'a ">" ends no tag')
  return tags.map(([, name = '', attributes = '']) => ({
    name,
    attributes: Object.fromEntries(
      [...attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, unescaped(value)]),
    ),
  }))
}

const tagNames = (page: Page) => tagsOf(page).map(({ name }) => name)
const attributesOf = (page: Page, wanted: string) =>
  tagsOf(page)
    .filter(({ name }) => name === wanted)
    .map(({ attributes }) => attributes)
const unescaped = (markup: string) => markup.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
/** What a reader sees of a document, tags taken away. */
const textOf = ({ html }: Page) => unescaped(html.replace(/<style>[^<]*<\/style>/, '').replaceAll(/<[^>]*>/g, ''))
const directivesOf = ({ contentSecurityPolicy }: Page) =>
  Object.fromEntries(
    contentSecurityPolicy.split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ')
      return [name, values.join(' ')]
    }),
  )

for (const [name, page, title, heading] of pages) {
  test(`${name} is a whole document in English with its title and one heading`, () => {
    assert.match(page.html, /^<!doctype html>\n<html lang="en">\n/)
    assert.deepEqual(
      [...page.html.matchAll(/<title>([^<]*)<\/title>/g)].map(([, text]) => text),
      [title],
    )
    assert.deepEqual(
      [...page.html.matchAll(/<h1>([^<]*)<\/h1>/g)].map(([, text]) => text),
      [heading],
    )
    const names = tagNames(page)
    for (const tag of names.filter((one) => ['html', 'head', 'title', 'style', 'body', 'main', 'h1'].includes(one))) {
      assert.equal(names.filter((one) => one === `/${tag}`).length, 1, tag)
    }
  })

  test(`the policy of ${name} allows the very style that is in it, and nothing else`, () => {
    const styles = [...page.html.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style = '']) => style)
    assert.equal(styles.length, 1)
    const digest = createHash('sha256')
      .update(styles[0] ?? '')
      .digest('base64')
    assert.deepEqual(directivesOf(page), {
      'default-src': "'none'",
      'style-src': `'sha256-${digest}'`,
      'img-src': 'data:',
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
    })
  })

  test(`${name} has no script, no frame, no style attribute and loads nothing`, () => {
    assert.deepEqual(
      tagNames(page).filter((tag) => /^(script|iframe|frame|object|embed|base|img|svg|applet|audio|video)$/.test(tag)),
      [],
    )
    for (const { name: tag, attributes } of tagsOf(page)) {
      assert.deepEqual(
        Object.keys(attributes).filter((key) => /^on|^style$|^src/.test(key)),
        [],
        tag,
      )
    }
    assert.deepEqual(attributesOf(page, 'link'), [{ rel: 'icon', href: 'data:,' }])
    assert.doesNotMatch(page.html, /javascript:|@import|url\(/i)
  })
}

test('a policy has no character that ends a header', () => {
  for (const [, page] of pages) assert.match(page.contentSecurityPolicy, /^[\x20-\x7e]+$/)
})

test('the consent form posts the sealed request to this server, and each button says what it decides', () => {
  const page = consent({ form: 'sealed_-1' })
  assert.deepEqual(attributesOf(page, 'form'), [{ method: 'post', action: '/oauth/consent', autocomplete: 'off' }])
  assert.deepEqual(attributesOf(page, 'input'), [
    { type: 'hidden', name: 'request', value: 'sealed_-1' },
    { type: 'checkbox', name: 'confirmed', value: 'yes', required: '' },
  ])
  const buttons = attributesOf(page, 'button')
  assert.deepEqual(
    buttons.map(({ name, value }) => [name, value]),
    [
      ['decision', 'deny'],
      ['decision', 'allow'],
    ],
  )
  assert.deepEqual(
    [...page.html.matchAll(/<button[^>]*>([^<]*)</g)].map(([, text]) => text),
    ['Deny', 'Allow'],
  )
})

test('where the user has allowed the same before, the page says so and has no box to tick', () => {
  const page = consent({ isRemembered: true })
  assert.deepEqual(attributesOf(page, 'input'), [{ type: 'hidden', name: 'request', value: 'a-sealed-form' }])
  assert.equal(attributesOf(page, 'button').length, 2)
  assert.match(textOf(page), /You have allowed this before/)
  assert.doesNotMatch(textOf(consent()), /before/)
})

test('only the consent page has a form', () => {
  for (const [name, page] of pages) {
    assert.equal(attributesOf(page, 'form').length, name === 'the consent page' ? 1 : 0, name)
  }
})

test('the consent page shows whose page it is, who asks, and the whole address that the sign-in goes to', () => {
  const page = consent({ redirectUri: 'https://app.example:8443/callback?a=b&c=d' })
  const lines = textOf(page).split('\n')
  for (const line of [
    'mcp.contoso.example:8443',
    'A client',
    'app.example:8443',
    'https://app.example:8443/callback?a=b&c=d',
  ]) {
    assert.ok(lines.includes(line), line)
  }
})

test('a name stands by itself, so that its direction is its own affair', () => {
  const page = consent({ client: { ...registered, name: 'שם' } })
  assert.match(page.html, /<p class="name"><bdi>שם<\/bdi><\/p>/)
})

test('a client with a document is known by the host of its document, and its name as not verified', () => {
  const text = textOf(consent({ client: documented }))
  assert.match(text, /Published at client\.example:8443\. The name was supplied by the app and has not been verified\./)
})

test('of a client that registered itself, the page says that its name is not verified', () => {
  const text = textOf(consent())
  assert.match(text, /name was supplied by the app and has not been verified/)
  assert.doesNotMatch(text, /Published at/)
})

for (const redirectUri of ['http://127.0.0.1:33418/callback', 'http://localhost:3000/', 'http://[::1]/callback']) {
  test(`where the sign-in goes to ${redirectUri}, the page warns that it is a program on this computer`, () => {
    const page = consent({ redirectUri })
    assert.ok(textOf(page).includes(`This computer: a program at ${new URL(redirectUri).host}`))
    assert.equal(attributesOf(page, 'p').filter(({ role }) => role === 'note').length, 1)
  })
}

for (const redirectUri of ['cursor://anysphere.cursor-mcp/oauth/callback', 'com.example.app://localhost/callback']) {
  test(`where the sign-in goes to ${redirectUri}, the page says that it is an app on this device, and whose it may be`, () => {
    const page = consent({ redirectUri })
    const text = textOf(page)
    assert.ok(text.includes('An app on this device, not a website'))
    assert.ok(text.split('\n').includes(redirectUri))
    assert.ok(text.includes(`can claim addresses that begin with ${new URL(redirectUri).protocol}`))
    assert.doesNotMatch(text, /this computer/i)
    assert.equal(attributesOf(page, 'p').filter(({ role }) => role === 'note').length, 1)
  })
}

test('where the sign-in goes elsewhere, nothing is said of this computer', () => {
  for (const redirectUri of ['https://app.example/', 'https://localhost.evil.example/', 'https://10.0.0.1/']) {
    assert.doesNotMatch(textOf(consent({ redirectUri })), /this (computer|device)/i)
  }
})

test('the onward page goes on by itself, and by a link, to the same place', () => {
  const url = 'https://login.example/authorize?scope=a+b&state=x%3D&nonce=y'
  const page = onwardPage(url, 'the Microsoft sign-in')
  assert.deepEqual(
    attributesOf(page, 'meta').filter((attributes) => 'http-equiv' in attributes),
    [{ 'http-equiv': 'refresh', content: `0; url=${url}` }],
  )
  assert.deepEqual(attributesOf(page, 'a'), [{ href: url }])
  assert.match(textOf(page), /You are being redirected to the Microsoft sign-in\./)
})

test('the other pages go nowhere by themselves', () => {
  for (const page of [consent(), errorPage('It did not work.', 'req-1')]) {
    assert.ok(attributesOf(page, 'meta').every((attributes) => !('http-equiv' in attributes)))
  }
})

test('the failure page says what went wrong, and under which id the log has the rest', () => {
  const page = errorPage('This sign-in took too long. Go back.', 'req-7')
  assert.deepEqual(
    [...page.html.matchAll(/role="alert">([^<]*)</g)].map(([, text]) => text),
    ['This sign-in took too long. Go back.'],
  )
  assert.match(textOf(page), /^For the operator of this server: .*req-7$/m)
})

const nasty = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style></main><h1>Microsoft</h1>',
  '<!--',
  ']]>',
  '&lt;b&gt;&amp;&#60;',
  '!$&$1',
  '!',
  'ends in !',
  '!<b>',
  'A “quoted” name',
  '`=/',
  '"',
  "'",
  '&',
]

/** Tags with attribute names only: what a client says may stand in a value and nowhere else. */
const skeletonOf = (page: Page) =>
  tagsOf(page).map(({ name, attributes }) => [name, ...Object.keys(attributes)].join(' '))

for (const text of nasty) {
  test(`${text} in a name is shown and does nothing`, () => {
    const page = consent({ client: { ...registered, name: text } })
    assert.deepEqual(skeletonOf(page), skeletonOf(consent()))
    assert.ok(textOf(page).includes(`\n${text}\n`))
  })

  test(`${text} in a URL, a form, a text and an id is shown and does nothing`, () => {
    const redirectUri = `https://app.example/?${text}`
    const ofConsent = consent({ redirectUri, form: text })
    assert.deepEqual(skeletonOf(ofConsent), skeletonOf(consent()))
    assert.ok(textOf(ofConsent).includes(redirectUri))
    assert.equal(attributesOf(ofConsent, 'input')[0]?.['value'], text)

    const ofOnward = onwardPage(redirectUri, text)
    assert.deepEqual(skeletonOf(ofOnward), skeletonOf(onwardPage('https://app.example/', '')))
    assert.deepEqual(attributesOf(ofOnward, 'a'), [{ href: redirectUri }])
    assert.ok(textOf(ofOnward).includes(`redirected to ${text}. `))

    const ofFailure = errorPage(text, text)
    assert.deepEqual(skeletonOf(ofFailure), skeletonOf(errorPage('', '')))
    assert.ok(textOf(ofFailure).includes(`\n${text}\n`) && textOf(ofFailure).includes(` ${text}\n`))
  })
}

test('whatever a client calls itself, the page has the tags that it always has', () => {
  const unit = fc.oneof(fc.constantFrom(...nasty, ...'<>"\'&!=`$'), fc.string({ unit: 'binary', maxLength: 3 }))
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), fc.string({ unit, maxLength: 20 }), (name, form) => {
      const redirectUri = 'http://[::1]:1/'
      const page = consent({ client: { ...documented, name }, form, redirectUri })
      assert.deepEqual(skeletonOf(page), skeletonOf(consent({ client: documented, redirectUri })))
      assert.equal(attributesOf(page, 'input')[0]?.['value'], form)
      assert.equal(page.contentSecurityPolicy, consent().contentSecurityPolicy)
    }),
  )
})
