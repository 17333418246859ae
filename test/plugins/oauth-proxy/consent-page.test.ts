import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { catalogue, Failure, type FailureDetails, pageText, type Reason } from '../../../src/errors/index.ts'
import { type GraphPermission, readMessages } from '../../../src/lib/graph-permissions.ts'
import { type Page, page, type Site } from '../../../src/lib/page.ts'
import { errorPage } from '../../../src/plugins/error-handlers/error-page.ts'
import type { Client } from '../../../src/plugins/oauth-proxy/clients.ts'
import { type ConsentRequest, consentPage, onwardPage } from '../../../src/plugins/oauth-proxy/consent-page.ts'

const registered: Client = { id: 'sealed', kind: 'registered', name: 'A client' }
const documented: Client = { id: 'https://client.example:8443/client.json', kind: 'document', name: 'A client' }
const configured: Client = { id: 'an-app', kind: 'configured', name: 'x' }
const teams = 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'
const site: Site = { host: 'mcp.contoso.example:8443' }
const consent = (own: Partial<ConsentRequest> = {}) =>
  consentPage({
    client: registered,
    redirectUri: 'https://app.example/callback',
    permissions: [readMessages],
    site,
    form: 'a-sealed-form',
    isRemembered: false,
    ...own,
  })

const onward = (url = 'https://app.example/?a=b&c=d', text = 'Onwards.', heading = 'Redirecting') =>
  onwardPage(url, { heading, text, site })
const failed = (
  reason: Reason = 'sign_in_expired',
  { requestId = 'req-1', ...details }: FailureDetails & { requestId?: string } = {},
  status = 400,
) => errorPage(new Failure(reason, details), { site, status, requestId, now: new Date('2026-11-29T22:41:57.123Z') })

const pages: readonly (readonly [name: string, page: Page])[] = [
  ['the consent page', consent()],
  ['the onward page', onward()],
  ['the error page', failed()],
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
const textWithin = (page: Page, pattern: RegExp) =>
  [...page.html.matchAll(pattern)].map(([, markup = '']) => unescaped(markup.replaceAll(/<[^>]*>/g, '')))
/** The heading. */
const questionOf = (page: Page) => textWithin(page, /<h1>(.*?)<\/h1>/gs)[0] ?? ''
/** The client's name, in the question. */
const nameOf = (page: Page) => textWithin(page, /<bdi>(.*?)<\/bdi>/gs)[0]
const badgesOf = (page: Page) => textWithin(page, /<span class="badge">(.*?)<\/span>/gs)
const linesOf = (page: Page) => textWithin(page, /<li>(.*?)<\/li>/gs)
const warningsOf = (page: Page) => attributesOf(page, 'div').filter(({ role }) => role === 'note')
/** What an error page tells the administrator. */
const factsOf = (page: Page): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...page.html.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/gs)].map(([, name = '', value = '']) => [
      name,
      unescaped(value),
    ]),
  )
const directivesOf = ({ contentSecurityPolicy }: Page) =>
  Object.fromEntries(
    contentSecurityPolicy.split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ')
      return [name, values.join(' ')]
    }),
  )

for (const [name, page] of pages) {
  test(`${name} is a whole document in English with one heading and a title that names the server`, () => {
    assert.match(page.html, /^<!doctype html>\n<html lang="en">\n/)
    assert.match(page.html, /<title>[^<]+ · mcp\.contoso\.example:8443<\/title>/)
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
    ['Cancel', 'Allow'],
  )
})

test('where the user has allowed the same before, the page says so and has no box to tick', () => {
  const page = consent({ isRemembered: true })
  assert.deepEqual(attributesOf(page, 'input'), [{ type: 'hidden', name: 'request', value: 'a-sealed-form' }])
  assert.equal(attributesOf(page, 'button').length, 2)
})

test('only the consent page has a form', () => {
  for (const [name, page] of pages) {
    assert.equal(attributesOf(page, 'form').length, name === 'the consent page' ? 1 : 0, name)
  }
})

test('the consent page shows whose page it is, who asks, and the whole address that the sign-in goes to', () => {
  const page = consent({ redirectUri: 'https://app.example:8443/callback?a=b&c=d' })
  const text = textOf(page)
  assert.equal(questionOf(page), 'Allow A client to read your Message Center?')
  assert.match(text, /^Message Center server mcp\.contoso\.example:8443$/m)
  for (const line of ['app.example:8443', 'https://app.example:8443/callback?a=b&c=d']) {
    assert.ok(text.split('\n').includes(line), line)
  }
})

test('a name stands by itself, so that its direction is its own affair', () => {
  const page = consent({ client: { ...registered, name: 'שם' } })
  assert.match(page.html, /<h1>[^<]*<span class="supplied"><bdi>שם<\/bdi><\/span>[^<]*<\/h1>/)
})

test('a client with a document is known by the host of its document, and its name as not verified', () => {
  const page = consent({ client: documented })
  assert.equal(badgesOf(page).length, 1)
  assert.match(page.html, /<strong>client\.example:8443<\/strong>/)
})

test('of a client that registered itself, the page says that its name is not verified', () => {
  assert.deepEqual(badgesOf(consent()), ['Name not verified'])
})

test('a name is marked as not verified even where the redirect URI proves a product', () => {
  const page = consent({ client: { ...registered, name: 'Microsoft' }, redirectUri: teams })
  assert.equal(badgesOf(page).length, 1)
  assert.equal(nameOf(page), 'Microsoft')
})

for (const [redirectUri, name] of [
  [teams, 'Microsoft Teams or Microsoft 365 Copilot'],
  ['https://vscode.dev/redirect', 'Visual Studio Code'],
  ['https://global.consent.azure-apim.net/redirect/abc', 'Microsoft Copilot Studio'],
  ['https://teams.microsoft.com/elsewhere', 'teams.microsoft.com'],
  ['https://teams.microsoft.com.evil.example/api/platform/v1.0/oAuthRedirect', 'teams.microsoft.com.evil.example'],
  ['https://vscode.dev:8443/redirect', 'vscode.dev:8443'],
] as const) {
  test(`the configured app at ${redirectUri} is named ${name}, which nobody has to verify`, () => {
    const page = consent({ client: configured, redirectUri })
    assert.equal(nameOf(page), name)
    assert.deepEqual(badgesOf(page), [])
  })
}

test('the configured app has no name of its own on this computer and in an app', () => {
  const names = ['http://127.0.0.1:1/', 'cursor://host/callback'].map((redirectUri) =>
    nameOf(consent({ client: configured, redirectUri })),
  )
  assert.deepEqual(names, ['a program on this computer', 'an app on this device'])
})

for (const redirectUri of ['http://127.0.0.1:33418/callback', 'http://localhost:3000/', 'http://[::1]/callback']) {
  test(`where the sign-in goes to ${redirectUri}, the page says so, and warns of nothing`, () => {
    const page = consent({ redirectUri })
    assert.ok(page.html.includes(`program on this computer, at <strong>${new URL(redirectUri).host}</strong>`))
    assert.equal(warningsOf(page).length, 0)
  })
}

test('a sign-in that leaves this computer is the warning of the page', () => {
  for (const redirectUri of ['https://app.example/callback', teams]) {
    const page = consent({ redirectUri })
    assert.equal(warningsOf(page).length, 1)
    assert.ok(page.html.includes(`<p class="host">${new URL(redirectUri).host}</p>`))
  }
})

const mark: GraphPermission = { ...readMessages, scope: 'ServiceMessageViewpoint.Write', consent: 'Mark posts' }

test('what the app will be able to do are the lines of its permissions, and the question says where it may change something', () => {
  const page = consent({ permissions: [readMessages, mark] })
  assert.deepEqual(linesOf(page), [readMessages.consent, 'Mark posts'])
  assert.match(questionOf(page), /changes/)
  assert.deepEqual(linesOf(consent()), [readMessages.consent])
  assert.doesNotMatch(questionOf(consent()), /changes/)
})

for (const [scope, changes] of [
  ['ServiceMessage.Read.All', false],
  ['User.Read', false],
  ['User.ReadBasic.All', false],
  ['ServiceMessageViewpoint.Write', true],
  ['Mail.ReadWrite', true],
  ['Mail.ReadWrite.Shared', true],
  ['Mail.Send', true],
  ['Reading.Manage.All', true],
] as const) {
  test(`${scope} ${changes ? 'changes something' : 'only reads'}`, () => {
    assert.equal(/changes/.test(questionOf(consent({ permissions: [{ ...mark, scope }] }))), changes)
  })
}

test('the page says for how many days it remembers, and where to end the access', () => {
  const text = textOf(consent())
  assert.match(text, /\b30 days\b/)
  assert.match(text, /\bmyapps\.microsoft\.com\b/)
})

test('every page says who runs the server and links to help, where the operator says so', () => {
  const operator = { operatorName: 'Contoso <b> IT', operatorContactUrl: 'mailto:help@contoso.example' }
  const shown = page('A title', '', { site: { ...site, ...operator } })
  assert.match(textOf(shown), /Run by Contoso <b> IT/)
  assert.deepEqual(attributesOf(shown, 'a'), [{ href: 'mailto:help@contoso.example' }])
  for (const one of [consent(), failed()])
    assert.deepEqual([attributesOf(one, 'a'), attributesOf(one, 'footer')], [[], []])
})

for (const redirectUri of ['cursor://anysphere.cursor-mcp/oauth/callback', 'com.example.app://localhost/callback']) {
  test(`where the sign-in goes to ${redirectUri}, the page says that it is an app on this device, and whose it may be`, () => {
    const page = consent({ redirectUri })
    const text = textOf(page)
    assert.ok(text.split('\n').includes(redirectUri))
    assert.ok(text.includes(`can claim addresses that begin with ${new URL(redirectUri).protocol}`))
    assert.doesNotMatch(text, /this computer/i)
    assert.equal(warningsOf(page).length, 1)
  })
}

test('where the sign-in goes elsewhere, it is no program of this computer', () => {
  for (const redirectUri of ['https://app.example/', 'https://localhost.evil.example/', 'https://10.0.0.1/']) {
    assert.doesNotMatch(textOf(consent({ redirectUri })), /(program|app) on this (computer|device)/i)
  }
})

test('the onward page goes on by itself, and by a link, to the same place', () => {
  const url = 'https://login.example/authorize?scope=a+b&state=x%3D&nonce=y'
  const page = onward(url)
  assert.deepEqual(
    attributesOf(page, 'meta').filter((attributes) => 'http-equiv' in attributes),
    [{ 'http-equiv': 'refresh', content: `0; url=${url}` }],
  )
  assert.deepEqual(attributesOf(page, 'a'), [{ href: url }])
})

test('the other pages go nowhere by themselves', () => {
  for (const page of [consent(), failed()]) {
    assert.ok(attributesOf(page, 'meta').every((attributes) => !('http-equiv' in attributes)))
  }
})

test('the error page says which server, which problem, under which id and when', () => {
  assert.deepEqual(factsOf(failed('sign_in_expired', { requestId: 'req-7' })), {
    Server: 'mcp.contoso.example:8443',
    Problem: 'sign_in_expired',
    Details: 'Sign-in expired. Go back to the application and sign in again.',
    'Request ID': 'req-7',
    Time: '2026-11-29 22:41:57 UTC',
  })
})

test('the error page of a 5xx does not say why', () => {
  for (const reason of ['internal', 'overloaded', 'credential_rejected'] as const) {
    const page = failed(reason, { detail: 'zq7mark', cause: new Error('zq7mark') }, 503)
    assert.deepEqual(Object.keys(factsOf(page)), ['Server', 'Request ID', 'Time'])
    assert.doesNotMatch(page.html, new RegExp(`zq7mark|${reason}`))
  }
})

test('kinds of problems have headings of their own', () => {
  const kinds: readonly Reason[] = [
    ...(['redirect_not_listed', 'redirect_not_registered', 'client_unknown', 'client_document_invalid'] as const),
    ...(['sign_in_expired', 'sign_in_elsewhere', 'consent_unconfirmed', 'parameter_missing', 'not_found'] as const),
    ...(['rate_limited', 'internal'] as const),
  ]
  assert.equal(new Set(kinds.map((reason) => questionOf(failed(reason)))).size, kinds.length)
})

test('the page of a rejected redirect URI shows it and the entry that would allow it, and nothing else of the list', () => {
  const page = failed('redirect_not_listed', {
    redirectUri: 'https://new.example/callback',
    allowEntry: 'https://new.example/callback',
    allowLine: 'X=https://internal.example,https://new.example/callback',
  })
  assert.match(page.html, /<code>https:\/\/new\.example\/callback<\/code>/)
  assert.match(
    factsOf(page)['To allow it'] ?? '',
    /https:\/\/new\.example\/callback to MCP_OAUTH_REDIRECT_URI_PREFIXES/,
  )
  assert.doesNotMatch(page.html, /internal\.example/)
  assert.equal(
    factsOf(failed('redirect_not_registered', { redirectUri: 'https://new.example/' }))['To allow it'],
    undefined,
  )
})

test('what a user reads of an error names no variable and no protocol', () => {
  for (const reason of Object.keys(catalogue) as Reason[]) {
    const { heading, happened, next } = pageText(new Failure(reason), 'mcp.contoso.example')
    assert.doesNotMatch(textOf(failed(reason)), /\b(false|undefined|null)\b/, reason)
    assert.doesNotMatch(`${heading} ${happened} ${next}`, /[A-Z]{2,}_|_[a-z]|OAuth|PKCE|URI|JSON|HTTP/, reason)
  }
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
    assert.equal(nameOf(page), text)
  })

  test(`${text} in a URL, a form, a text and an id is shown and does nothing`, () => {
    const redirectUri = `https://app.example/?${text}`
    const ofConsent = consent({ redirectUri, form: text })
    assert.deepEqual(skeletonOf(ofConsent), skeletonOf(consent()))
    assert.ok(textOf(ofConsent).includes(redirectUri))
    assert.equal(attributesOf(ofConsent, 'input')[0]?.['value'], text)

    const ofOnward = onward(redirectUri, text, text)
    assert.deepEqual(skeletonOf(ofOnward), skeletonOf(onward()))
    assert.deepEqual(attributesOf(ofOnward, 'a'), [{ href: redirectUri }])
    assert.equal(questionOf(ofOnward), text)

    const details = { requestId: text, detail: text, redirectUri: text, allowEntry: text }
    const ofFailure = failed('redirect_not_listed', details)
    const plain = { requestId: 'x', detail: 'x', redirectUri: 'x', allowEntry: 'x' }
    assert.deepEqual(skeletonOf(ofFailure), skeletonOf(failed('redirect_not_listed', plain)))
    assert.equal(factsOf(ofFailure)['Request ID'], text)

    const operator = { operatorName: text, operatorContactUrl: `https://x/${text}` }
    const ofSite = page('x', '', { site: { host: text, ...operator } })
    assert.deepEqual(
      skeletonOf(ofSite),
      skeletonOf(page('x', '', { site: { host: 'x', operatorName: 'x', operatorContactUrl: 'x' } })),
    )
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
