import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { ToolResult } from '../../view/result.ts'
import { eventually } from '../helper.ts'
import { axeFindings, builtView, openView, overflows, resultOf } from './helper.ts'
import { digest, inFull, list, milestones, outlook, teams } from './posts.ts'

const allTools = ['getDigest', 'getMessages', 'getMessage', 'setMessageState']

/** The server, as far as the view calls it. */
function answer(name: string, { ids, id }: Record<string, unknown>): ToolResult {
  if (name === 'getMessage') return resultOf(inFull(id === outlook.id ? outlook : { ...teams, id: String(id) }))
  if (name === 'setMessageState') return resultOf({ ids, action: 'done' })
  const value = (ids as string[]).map((id) => ({ id, milestones: milestones[id] ?? [] }))
  return resultOf({ value })
}

const openList = () => openView({ result: resultOf(list), callTool: answer, tools: allTools })

test('the list of getMessages has a card for each message and a timeline of their dates by month', async () => {
  const { frame, calls, close } = await openList()
  const cards = frame.locator('.card')
  assert.equal(await cards.count(), 2)
  const first = await cards.first().innerText()
  for (const part of [
    'Microsoft Teams',
    'Major change',
    'Plan for change',
    'High severity',
    'Act by Dec 15, 2026',
    teams.id,
  ]) {
    assert.ok(first.includes(part), `${part} in ${first}`)
  }
  assert.doesNotMatch(first, /Unread/)
  assert.match(await cards.nth(1).innerText(), /Unread/)
  await frame.getByRole('heading', { name: 'January 2027' }).waitFor()
  assert.deepEqual(await frame.locator('.month h3').allInnerTexts(), ['December 2026', 'January 2027'])
  assert.deepEqual(
    calls.map(({ name, args }) => [name, args['ids'], args['milestoneAfter']]),
    [['getMessages', [teams.id, outlook.id], '1990-01-01']],
  )
  await close()
})

test('the kinds of dates differ in shape, colour and word', async () => {
  const { frame, close } = await openList()
  await frame.locator('.event').nth(2).waitFor()
  const looks = (await frame.evaluate(`[...document.querySelectorAll('.event')].map((event) => [
    event.querySelector('path').getAttribute('d'),
    getComputedStyle(event.querySelector('svg')).fill,
    event.querySelector('.when span').textContent,
  ])`)) as string[][]
  assert.deepEqual(looks.map(([, , word]) => word).sort(), ['Deadline', 'Retirement', 'Rollout'])
  for (const [i] of ['shape', 'colour', 'word'].entries()) assert.equal(new Set(looks.map((look) => look[i])).size, 3)
  await close()
})

test('the digest of getDigest has counts, what is due and retires, and the top changes', async () => {
  const { frame, calls, close } = await openView({ result: resultOf(digest), tool: 'getDigest', callTool: answer })
  await frame.getByRole('heading', { name: 'Message Center digest' }).waitFor()
  assert.deepEqual(await frame.locator('.tiles dd').allInnerTexts(), ['4', '11', '6', '10'])
  assert.match(await frame.locator('header').innerText(), /read 3 minutes ago/)
  const [due = '', retires = ''] = await frame.locator('.event').allInnerTexts()
  assert.match(due, /Dec 15\s+Deadline/)
  assert.match(retires, /Jan 20, 2027\s+Retirement/)
  assert.match(await frame.locator('.card').innerText(), /Classic Teams stops working[\s\S]*Major change/)
  assert.match(await frame.getByRole('region', { name: 'By category' }).innerText(), /Plan for change\s+9/)
  assert.deepEqual(calls, [])
  await close()
})

test('the message of getMessage is shown in depth', async () => {
  const { frame, links, close } = await openView({
    result: resultOf(inFull(teams)),
    tool: 'getMessage',
    callTool: answer,
  })
  await frame.getByRole('heading', { level: 2, name: teams.title ?? '' }).waitFor()
  for (const name of ['When this will happen', 'What you need to do to prepare', 'Can we go back?']) {
    assert.ok(await frame.getByRole('heading', { name }).isVisible())
  }
  assert.deepEqual(await frame.locator('.text li').allInnerTexts(), ['Update the client.', 'Tell your users.'])
  assert.deepEqual(await frame.locator('.text td').allInnerTexts(), ['Question', 'Answer', 'Is data kept?', 'Yes.'])
  assert.equal(await frame.locator('.milestones .event').count(), 2)
  for (const name of [/^Open in admin center/, /^Roadmap item 478611/, /^learn\.microsoft\.com\/microsoftteams/]) {
    await frame.getByRole('link', { name }).click()
  }
  await eventually(() => links.length === 3)
  assert.deepEqual(links, [
    teams.url,
    'https://www.microsoft.com/microsoft-365/roadmap?id=478611',
    'https://learn.microsoft.com/microsoftteams/',
  ])
  assert.equal(await frame.getByRole('button', { name: 'Back' }).count(), 0)
  await close()
})

test('a message that mentions another one leads to it, and back', async () => {
  const { frame, calls, close } = await openView({
    result: resultOf(inFull(teams)),
    tool: 'getMessage',
    callTool: answer,
  })
  await frame.getByRole('button', { name: outlook.id }).click()
  await frame.getByRole('heading', { level: 2, name: outlook.title ?? '' }).waitFor()
  assert.deepEqual(calls, [{ name: 'getMessage', args: { id: outlook.id } }])
  await frame.getByRole('button', { name: 'Back' }).click()
  await frame.getByRole('heading', { level: 2, name: teams.title ?? '' }).waitFor()
  await close()
})

test('a card opens its message by a call of getMessage; back, the focus is where it was', async () => {
  const { frame, calls, close } = await openList()
  await frame
    .getByRole('button', { name: teams.title ?? '' })
    .first()
    .click()
  await frame.getByText('Update the client.').waitFor()
  assert.deepEqual(calls.at(-1), { name: 'getMessage', args: { id: teams.id } })
  assert.equal(await focused(frame), 'page-title')
  await frame.getByRole('button', { name: 'Back' }).click()
  await frame.locator('.cards').waitFor()
  assert.equal(await focused(frame), teams.id)
  await close()
})

test('a message that cannot be read says why, and can be tried again', async () => {
  let isUp = false
  const { frame, close } = await openView({
    result: resultOf(list),
    callTool: (name, args) =>
      name === 'getMessage' && !isUp
        ? { isError: true, content: [{ type: 'text', text: 'graph_throttled: Microsoft Graph is busy.' }] }
        : answer(name, args),
  })
  await frame
    .getByRole('button', { name: teams.title ?? '' })
    .first()
    .click()
  assert.match(await frame.getByRole('alert').innerText(), /^Microsoft Graph is busy\./)
  isUp = true
  await frame.getByRole('button', { name: 'Try again' }).click()
  await frame.getByText('Update the client.').waitFor()
  assert.equal(await frame.getByRole('alert').count(), 0)
  await close()
})

test('filters and search narrow the cards and the timeline', async () => {
  const { frame, close } = await openList()
  const shown = () => frame.locator('.card h3').allInnerTexts()
  await frame.locator('.event').nth(2).waitFor()
  await frame.getByRole('combobox', { name: 'Service' }).selectOption('Exchange Online')
  assert.deepEqual(await shown(), [outlook.title])
  assert.equal(await frame.locator('.event').count(), 1)
  assert.equal(await frame.getByText('1 of 2 match').count(), 1)
  await frame.getByRole('combobox', { name: 'Service' }).selectOption('')
  await frame.getByRole('combobox', { name: 'Category' }).selectOption('Plan for change')
  assert.deepEqual(await shown(), [teams.title])
  await frame.getByRole('combobox', { name: 'Category' }).selectOption('')
  await frame.getByRole('combobox', { name: 'Date' }).selectOption('Retirement')
  assert.deepEqual(await shown(), [teams.title])
  assert.deepEqual(await frame.locator('.event .when span:first-of-type').allInnerTexts(), ['Retirement'])
  await frame.getByRole('combobox', { name: 'Date' }).selectOption('')
  await frame.getByLabel('Search').fill('RECALL mailboxes')
  assert.deepEqual(await shown(), [outlook.title])
  await frame.getByLabel('Search').fill('nothing like it')
  await frame.getByRole('button', { name: 'Clear filters' }).click()
  assert.equal((await shown()).length, 2)
  await close()
})

test('everything can be done by the keyboard alone', async () => {
  const { page, frame, calls, links, close } = await openList()
  await frame.locator('.event').nth(2).waitFor()
  const tabTo = async (wanted: string) => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      if ((await focused(frame)).includes(wanted)) return
    }
    assert.fail(`No Tab leads to ${wanted}`)
  }
  await tabTo('Refresh')
  await tabTo('Search in these messages')
  await page.keyboard.type('classic')
  assert.equal(await frame.locator('.card').count(), 1)
  await tabTo('Service')
  await tabTo(teams.id)
  const outline = await frame.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
  assert.equal(outline, 'solid')
  await page.keyboard.press('Enter')
  await frame.getByText('Update the client.').waitFor()
  await tabTo('Open in admin center')
  await page.keyboard.press('Enter')
  await eventually(() => links.length === 1 && links[0] === teams.url)
  await tabTo('Mark as unread')
  await page.keyboard.press('Space')
  await frame.getByRole('button', { name: 'Mark as read' }).waitFor()
  assert.deepEqual(calls.at(-1), { name: 'setMessageState', args: { ids: [teams.id], action: 'markUnread' } })
  await page.keyboard.press('Escape')
  await frame.locator('.cards').waitFor()
  assert.equal(await focused(frame), teams.id)
  await close()
})

test('a message is marked and made a favorite where the server offers it, and the cards show it', async () => {
  const { frame, calls, close } = await openList()
  await frame
    .getByRole('button', { name: outlook.title ?? '' })
    .first()
    .click()
  await frame.getByRole('button', { name: 'Mark as read' }).click()
  await frame.getByRole('button', { name: 'Mark as unread' }).waitFor()
  await frame.getByRole('button', { name: 'Add to favorites' }).click()
  await frame.getByRole('button', { name: 'Remove from favorites' }).waitFor()
  assert.deepEqual(
    calls.slice(-2).map(({ args }) => args),
    [
      { ids: [outlook.id], action: 'markRead' },
      { ids: [outlook.id], action: 'favorite' },
    ],
  )
  await frame.getByRole('button', { name: 'Back' }).click()
  const card = await frame.locator('.card').nth(1).innerText()
  assert.match(card, /Favorite/)
  assert.doesNotMatch(card, /Unread/)
  await close()
})

for (const [why, rejected] of [
  [
    'reports an error',
    () => ({ isError: true, content: [{ type: 'text', text: 'graph_forbidden: The role is missing.' }] }),
  ],
  [
    'is not there',
    () => {
      throw new Error('The role is missing.')
    },
  ],
] as const) {
  test(`a mark that is not made, since the tool ${why}, says so and changes nothing`, async () => {
    const { frame, close } = await openView({
      result: resultOf(inFull(outlook)),
      tool: 'getMessage',
      tools: allTools,
      callTool: rejected,
    })
    await frame.getByRole('button', { name: 'Mark as read' }).click()
    assert.match(await frame.getByRole('alert').innerText(), /The role is missing\./)
    assert.ok(await frame.getByRole('button', { name: 'Mark as read' }).isVisible())
    await close()
  })
}

test('without setMessageState there is nothing to mark with', async () => {
  const { frame, close } = await openView({ result: resultOf(inFull(outlook)), tool: 'getMessage', callTool: answer })
  assert.equal(await frame.getByRole('button', { name: /Mark|favorites/ }).count(), 0)
  await close()
})

test('a host that passes no calls on shows what was delivered, and the view makes none', async () => {
  const { frame, calls, errors, close } = await openView({ result: resultOf(list), tools: allTools })
  await frame
    .getByRole('button', { name: teams.title ?? '' })
    .first()
    .click()
  await frame.getByText(teams.summary ?? '').waitFor()
  assert.match(await frame.locator('article').innerText(), /Dec 15\s+Deadline/)
  assert.equal(await frame.getByRole('button', { name: /Mark|Refresh|Try again/ }).count(), 0)
  assert.deepEqual([calls, errors], [[], []])
  await close()
})

test('a host that passes on the text alone shows the same', async () => {
  const { content } = resultOf(list)
  const { frame, close } = await openView({ result: { content } })
  assert.equal(await frame.locator('.card').count(), 2)
  await close()
})

test('a stale result says that it is, and can be refreshed', async () => {
  const { frame, calls, close } = await openView({
    result: resultOf({ ...list, stale: true, ageSeconds: 720 }),
    args: { services: ['Teams'] },
    callTool: (name, args) => (args['fresh'] ? resultOf(list) : answer(name, args)),
  })
  assert.match(await frame.locator('.stale').innerText(), /could not be queried\. This is what was read 12 minutes ago/)
  await frame.getByRole('button', { name: 'Refresh' }).click()
  await frame.locator('.stale').waitFor({ state: 'detached' })
  assert.deepEqual(
    calls.find(({ args }) => args['fresh']),
    {
      name: 'getMessages',
      args: { services: ['Teams'], fresh: true },
    },
  )
  await close()
})

test('an empty list says why', async () => {
  const { frame, close } = await openView({
    result: resultOf({ value: [], '@odata.count': 0, note: 'No service is called Taems.' }),
  })
  assert.match(await frame.locator('main').innerText(), /0 messages[\s\S]*No messages\s+No service is called Taems\./)
  await close()
})

test('an error is shown as a sentence', async () => {
  const text = 'graph_forbidden: Ask an administrator for the role Message Center Reader.'
  const { frame, close } = await openView({ result: { isError: true, content: [{ type: 'text', text }] } })
  assert.equal(await frame.getByRole('alert').innerText(), 'Ask an administrator for the role Message Center Reader.')
  await close()
})

test('before there is a result, the view says that it is loading', async () => {
  const { frame, send, close } = await openView({ callTool: answer })
  await frame.getByText('Loading messages…').waitFor()
  await send(resultOf(list))
  await frame.locator('.card').first().waitFor()
  await close()
})

test('the theme and the colours of the host are followed, also when they change', async () => {
  const styles = {
    variables: { '--color-background-primary': 'rgb(1, 2, 3)', '--color-text-primary': 'rgb(250, 250, 250)' },
  }
  const { frame, setContext, close } = await openView({ result: resultOf(list) })
  const look = () =>
    frame.evaluate(
      '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.documentElement).colorScheme]',
    )
  assert.deepEqual(await look(), ['rgb(255, 255, 255)', 'light'])
  await setContext({ theme: 'dark' })
  await frame.locator('html[data-theme=dark]').waitFor()
  assert.deepEqual(await look(), ['rgb(31, 31, 31)', 'dark'])
  await setContext({ theme: 'dark', styles })
  await frame.waitForFunction("getComputedStyle(document.body).backgroundColor === 'rgb(1, 2, 3)'")
  await close()
})

test('full screen is a button where the host has it', async () => {
  const context = { availableDisplayModes: ['inline', 'fullscreen'], displayMode: 'inline' }
  const { frame, close } = await openView({ result: resultOf(list), context })
  await frame.getByRole('button', { name: 'Full screen' }).click()
  await frame.getByRole('button', { name: 'Exit full screen' }).waitFor()
  await close()
})

test('nothing moves where motion is reduced', async () => {
  const { frame, close } = await openView({ reducedMotion: 'reduce' })
  const style = await frame.evaluate("getComputedStyle(document.querySelector('.skeleton div')).animationName")
  assert.equal(style, 'none')
  await close()
})

for (const [name, tool, result] of [
  ['a list', 'getMessages', resultOf({ ...list, stale: true, ageSeconds: 60 })],
  ['a message', 'getMessage', resultOf(inFull(teams))],
  ['a digest', 'getDigest', resultOf(digest)],
] as const) {
  test(`axe finds nothing in ${name}, and nothing overflows, at 320, 768 and 1,440 px, light and dark`, async () => {
    for (const theme of ['light', 'dark'] as const) {
      const { page, frame, errors, close } = await openView({ result, tool, theme, tools: allTools, callTool: answer })
      if (tool === 'getMessages') await frame.locator('.event').nth(2).waitFor()
      for (const width of [320, 768, 1440]) {
        await page.setViewportSize({ width, height: 900 })
        assert.deepEqual(await axeFindings(frame), [], `${theme}, ${width} px`)
        assert.equal(await overflows(frame), false, `${theme}, ${width} px`)
      }
      assert.deepEqual(errors, [])
      await close()
    }
  })
}

test('it is one document of at most 150 KB gzipped that refers to nothing else, and may evaluate nothing', () => {
  assert.ok(gzipSync(builtView).byteLength <= 150 * 1024, `${gzipSync(builtView).byteLength} bytes`)
  assert.doesNotMatch(builtView, /<(?:script|img|iframe|link|source)\b[^>]*\b(?:src|href)=/i)
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(builtView)?.[1] ?? ''
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
})

/** Of what has the focus: its message, or its id, or what it is called. */
function focused(frame: { evaluate(expression: string): Promise<unknown> }): Promise<string> {
  return frame.evaluate(`(() => {
    const element = document.activeElement
    const name = element.getAttribute('placeholder') ?? element.parentElement?.textContent
    return element.dataset.open || element.id || (element.matches('input, select') ? name : element.textContent).trim()
  })()`) as Promise<string>
}
