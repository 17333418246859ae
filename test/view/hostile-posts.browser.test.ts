import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../src/plugins/message-center/message.ts'
import { eventually } from '../helper.ts'
import { openView, resultOf } from './helper.ts'
import { teams } from './posts.ts'

/** What a post would do if anything of it were taken for markup, or any address of it for one to follow. */
const attack = `<script>parent.postMessage('ran', '*'); window.ran = true</script>
<img src="https://tracker.example/pixel.gif" onerror="window.ran = true"><svg onload="window.ran = true"></svg>
<iframe src="https://tracker.example/frame"></iframe><a href="javascript:window.ran = true">here</a>`

const hostile: Message = {
  ...teams,
  title: `Teams ${attack}`,
  summary: attack,
  services: [`Microsoft Teams ${attack}`],
  tags: [attack],
  category: attack,
  roadmapIds: ['1"onmouseover="window.ran = true', 'javascript:window.ran = true'],
  url: 'javascript:window.ran = true',
  helpLink: 'javascript:window.ran = true',
  blogLink: 'data:text/html,<script>window.ran = true</script>',
  externalLink: ' jAvAsCrIpT:window.ran = true//https://learn.microsoft.com/',
  milestones: [{ kind: 'deadline', end: '2027-12-15', endPrecision: 'day', text: attack }],
  body: {
    contentType: 'text',
    content: [
      attack,
      '[When this will happen:]',
      'Click here [javascript:window.ran = true] or javascript:window.ran=true now.',
      'A picture: [image: https://tracker.example/pixel.gif] [image: <img src=x onerror=window.ran=true>]',
      ' * https://evil.example/"onclick="window.ran=true',
      `a | ${attack.replaceAll('\n', ' ')}`,
      'MC1000002 [https://evil.example/messages/MC1000002]',
    ].join('\n\n'),
  },
}

for (const [name, tool, result] of [
  ['a list', 'getMessages', { value: [hostile] }],
  ['a message', 'getMessage', hostile],
] as const) {
  test(`a hostile post in ${name} is text: nothing runs, no request leaves, its links lead to the web or nowhere`, async () => {
    const { frame, page, links, requests, errors, close } = await openView({
      result: resultOf(result),
      tool,
      tools: ['getMessages', 'getMessage'],
      callTool: () => resultOf(hostile),
    })
    if (tool === 'getMessages') {
      await frame
        .locator('[data-open]')
        .first()
        .click({ position: { x: 5, y: 5 } })
      await frame.locator('.text').waitFor()
    }
    const anchors = await frame.locator('a').all()
    for (const element of anchors) {
      await element.hover()
      await element.click()
    }
    await eventually(() => links.length === anchors.length)
    assert.match(await frame.locator('main').innerText(), /<script>/)
    assert.equal(await frame.locator('main script, main img, main iframe, main [onerror], main [onclick]').count(), 0)
    const addresses = await frame.evaluate('[...document.links].map(({ href }) => href)')
    assert.ok((addresses as string[]).length > 0)
    assert.deepEqual(
      (addresses as string[]).filter((href) => !/^https?:\/\//.test(href)),
      [],
    )
    assert.deepEqual(
      links.filter((url) => !/^https?:\/\//.test(url)),
      [],
    )
    assert.equal(await frame.evaluate('window.ran'), undefined)
    assert.deepEqual([requests, errors], [[], []])
    assert.equal(page.context().pages().length, 1)
    await close()
  })
}

test('a body that is HTML, because it was asked for, is not rendered', async () => {
  const body = { contentType: 'html', content: attack }
  const { frame, requests, errors, close } = await openView({
    result: resultOf({ ...teams, body }),
    tool: 'getMessage',
  })
  assert.match(await frame.locator('.text').innerText(), /Open it in the admin center/)
  assert.equal(await frame.evaluate('window.ran'), undefined)
  assert.deepEqual([requests, errors], [[], []])
  await close()
})

test('should anything be taken for markup after all, the policy of the document stops it', async () => {
  const { frame, requests, close } = await openView({ result: resultOf(teams), tool: 'getMessage' })
  const [blocked, ran] = (await frame.evaluate(`new Promise((resolve) => {
    const violations = []
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective))
    const script = document.createElement('script')
    try { script.text = 'window.ran = true'; document.body.append(script) } catch {}
    try { document.body.innerHTML = '<img src=x onerror="window.ran = true">' } catch {}
    const image = new Image()
    image.src = 'https://tracker.example/pixel.gif'
    fetch('https://tracker.example/').catch(() => {})
    image.onerror = () => setTimeout(() => resolve([violations, window.ran]), 100)
  })`)) as [string[], unknown]
  assert.equal(ran, undefined)
  for (const directive of ['require-trusted-types-for', 'img-src', 'connect-src'])
    assert.ok(blocked.includes(directive), directive)
  assert.deepEqual(requests, [])
  await close()
})
