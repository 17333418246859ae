import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameAddress, roadmapIdsIn, roadmapIdsOf, shownAddress } from '../../../src/plugins/message-center/links.ts'

const addresses: readonly [href: string, shown: string | undefined][] = [
  ['https://x.example/a', 'https://x.example/a'],
  [' HTTP://x.example/a b\n', 'HTTP://x.example/a%20b'],
  ['//x.example', 'https://x.example'],
  ['mailto:a@x.example', 'a@x.example'],
  ['tel:+123', '+123'],
  ['', undefined],
  ['#part', undefined],
  ['/path', undefined],
  ['path', undefined],
  ['https://', undefined],
  ['javascript:alert(1)', undefined],
  ['JaVaScRiPt:alert(1)', undefined],
  ['java\nscript:alert(1)', undefined],
  ['\u0001javascript:alert(1)', undefined],
  ['javascript://x.example/%0aalert(1)', undefined],
  ['data:text/html,<b>x', undefined],
  ['vbscript:x', undefined],
  ['file:///etc/passwd', undefined],
  ['ms-settings:x', undefined],
  [`https://x.example/${'a'.repeat(2_000)}`, undefined],
]
for (const [href, shown] of addresses) {
  test(`${JSON.stringify(href.slice(0, 60))} is ${shown === undefined ? 'not shown' : `shown as ${shown}`}`, () => {
    assert.equal(shownAddress(href), shown)
  })
}

const roadmap = 'https://www.microsoft.com/microsoft-365/roadmap'
const roadmaps: readonly [address: string, ids: string[]][] = [
  [`${roadmap}?id=478611`, ['478611']],
  [`${roadmap}?ID=478611`, ['478611']],
  [`${roadmap}/?id=478611`, ['478611']],
  [`${roadmap}?searchterms=478611`, ['478611']],
  [`${roadmap}?filters=&searchterms=478611#Roadmap`, ['478611']],
  [`${roadmap}?filters=&amp;searchterms=478611`, ['478611']],
  [`${roadmap}?filters=&amp;amp;searchterms=478611`, ['478611']],
  [`${roadmap}?rtc=1%26filters%3D&searchterms=478611`, ['478611']],
  [`${roadmap}?rtc=1%26filters%3D%26searchterms%3D478611`, ['478611']],
  [`${roadmap}?rtc=1%2526searchterms%253D478611`, ['478611']],
  [`${roadmap}?featureid=478611`, ['478611']],
  [`${roadmap}#id=478611`, ['478611']],
  [`${roadmap}?id=478611,478612`, ['478611', '478612']],
  [`${roadmap}?searchterms=478611%2C%20478612`, ['478611', '478612']],
  [`${roadmap}?id=478611&searchterms=478611`, ['478611']],
  ['https://www.microsoft.com/en-us/microsoft-365/roadmap?id=478611', ['478611']],
  ['http://microsoft.com/de-DE/microsoft-365/roadmap?id=478611', ['478611']],
  ['HTTPS://WWW.MICROSOFT.COM/Microsoft-365/RoadMap?id=478611', ['478611']],
  ['https://products.office.com/en-US/business/office-365-roadmap?featureid=1234', ['1234']],
  [roadmap, []],
  [`${roadmap}?filters=Rolling%20out`, []],
  [`${roadmap}?searchterms=Teams`, []],
  [`${roadmap}?width=478611`, []],
  [`${roadmap}?id=478611%`, ['478611']],
  ['https://www.microsoft.com/microsoft-365/roadmaps?id=478611', []],
  ['https://www.microsoft.com/other/roadmap?id=478611', []],
  ['https://microsoft.com.evil.example/microsoft-365/roadmap?id=478611', []],
  ['https://learn.microsoft.com/microsoft-365/roadmap?id=478611', []],
  ['not an address', []],
]
for (const [address, ids] of roadmaps) {
  test(`${address} names ${ids.length === 0 ? 'no roadmap item' : ids.join(' and ')}`, () => {
    assert.deepEqual(roadmapIdsOf(address), ids)
  })
}

const named: readonly [text: string, ids: string[]][] = [
  ['associated with Microsoft 365 Roadmap ID 478611.', ['478611']],
  ['Roadmap ID: 478611', ['478611']],
  ['roadmap IDs 478611, 478612 and 478613', ['478611', '478612', '478613']],
  ['Microsoft 365 Roadmap [478611]', ['478611']],
  ['Roadmap ID(s): 478611/478612', ['478611', '478612']],
  ['Roadmap IDs 478611 & 478612 | 478613', ['478611', '478612', '478613']],
  ['Roadmap item #12345 (see Roadmap feature 478612)', ['12345', '478612']],
  ['the roadmap for 2026', []],
  ['Microsoft 365 roadmap 2026', []],
  ['our roadmap: 100 features', []],
  ['ID 478611', []],
  ['Roadmap ID 12345678', []],
]
for (const [text, ids] of named) {
  test(`"${text}" names ${ids.join(', ') || 'no roadmap item'}`, () => {
    assert.deepEqual(roadmapIdsIn(text), ids)
  })
}

test('a text is an address whatever its scheme, last slash, case and white space', () => {
  for (const text of ['https://x.example/A', 'x.example/a', 'http://X.example/a/', 'https://x.exa mple/a']) {
    assert.ok(isSameAddress(text, 'https://x.example/a/'), text)
  }
  for (const text of ['', 'x.example', 'https://x.example/b'])
    assert.ok(!isSameAddress(text, 'https://x.example/a'), text)
})
