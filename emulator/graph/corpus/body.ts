import { dateIn, dayMs, periodIn } from './calendar.ts'
import type { Draft, Stage } from './drafts.ts'
import {
  closings,
  completions,
  compliance,
  defaults,
  noticeClosings,
  noticeOpenings,
  rings,
  thanksForPreview,
  updates,
} from './phrases.ts'
import type { Random } from './random.ts'

/** @param announcement the id of the post that opened the story; null in that post itself */
export function writeBody(draft: Draft, announcement: string | null, random: Random): string {
  const note = draft.updated === null ? [] : [`<p>Updated ${dateIn(draft.updated)}: ${random.pick(updates)}</p>`]
  return [...note, ...parts[draft.stage](draft, createSections(draft, announcement, random), random)].join('\n')
}

type Sections = ReturnType<typeof createSections>

const parts: Readonly<Record<Stage, (draft: Draft, sections: Sections, random: Random) => readonly string[]>> = {
  preview: ({ feature }, sections, random) => [
    paragraph(`<b>Coming soon to ${sections.product}.</b> ${feature.glimpse} ${random.pick(thanksForPreview)}`),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(`Who will notice: ${feature.audience}`),
      sections.list(feature.points),
      paragraph(
        'Details are subject to change until general availability, and this message will be replaced by a full announcement then.',
      ),
    ]),
    ...sections.headed('What you can do already', [paragraph(sections.advice(0)), sections.learnMore()]),
  ],

  announcement: ({ feature }, sections, random) => [
    paragraph(feature.lede),
    ...sections.roadmap(),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(`<b>Who is affected:</b> ${feature.audience}`),
      paragraph('<b>What will happen:</b>'),
      sections.list(feature.points),
      paragraph(random.pick(defaults[feature.kind ?? 'feature'])),
      ...(feature.extra === undefined ? [] : [feature.extra]),
      ...(random.chance(0.12) ? [sections.picture()] : []),
    ]),
    ...sections.headed('What you need to do to prepare', [
      sections.list([...feature.prepare, random.pick(closings)]),
      sections.learnMore(),
    ]),
    ...(random.chance(0.5) ? sections.notice() : []),
    ...(random.chance(0.6) ? sections.compliance() : []),
  ],

  reminder: ({ feature, effective }, sections) => [
    paragraph(`<b>This is a reminder.</b> ${feature.glimpse} ${sections.reference()}`),
    ...sections.headed('When this will happen', [paragraph(`On <b>${dateIn(effective)}</b>.`)]),
    ...sections.headed('What you need to do', [
      `<ol>${feature.prepare.map((step) => `<li>${step}</li>`).join('')}</ol>`,
      paragraph(`Not sure whether this concerns you? It concerns: ${feature.audience}`),
    ]),
    ...sections.headed('What happens otherwise', [sections.list(feature.points.slice(0, 2)), sections.learnMore()]),
    ...sections.notice(),
  ],

  followUp: ({ feature }, sections) => [
    paragraph(feature.follow?.text ?? feature.lede),
    paragraph(sections.reference()),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(
        `This concerns the same people as before: ${feature.audience} What was announced remains valid, in particular:`,
      ),
      sections.list(feature.points),
    ]),
    ...sections.headed('What you need to do to prepare', [paragraph(sections.advice(1)), sections.learnMore()]),
  ],

  completion: ({ feature }, sections, random) => [
    paragraph(`${random.pick(completions[feature.kind ?? 'feature'])} ${sections.reference()}`),
    sections.list(feature.points),
    ...sections.headed('What is left to do', [
      paragraph(feature.prepare.at(-1) ?? ''),
      paragraph(random.pick(closings)),
    ]),
  ],
}

function createSections({ family, feature, start, effective }: Draft, announcement: string | null, random: Random) {
  // Authors of different teams mark their headings differently.
  const heading = random.pick([
    (text: string) => `<p><b>${text}:</b></p>`,
    (text: string) => `<h3>${text}</h3>`,
    (text: string) => `<p><strong>[${text}]</strong></p>`,
  ])
  const headed = (text: string, content: readonly string[]) => [heading(text), ...content]
  const list = (items: readonly string[]) => `<ul>\n${items.map((item) => `<li>${item}</li>`).join('\n')}\n</ul>`

  return {
    product: escapeHtml(family.product),
    headed,
    list,

    when(): readonly string[] {
      if (feature.kind === 'retirement') return headed('When this will happen', [paragraph(`On ${dateIn(effective)}.`)])
      const early = start + random.between(8, 20) * dayMs
      const late = effective + random.between(15, 40) * dayMs
      return headed('When this will happen', [
        list([
          `${random.pick(rings)}: we will begin rolling out in ${periodIn(early)}.`,
          `General Availability (Worldwide): from ${periodIn(effective)}, complete by ${periodIn(late)}.`,
          ...(random.chance(0.5) ? [`GCC,&nbsp;GCC&nbsp;High &amp; DoD: ${periodIn(late + 30 * dayMs)}.`] : []),
        ]),
      ])
    },

    roadmap(): readonly string[] {
      if (feature.roadmap === undefined) return []
      const address = `https://www.microsoft.com/microsoft-365/roadmap?filters=&amp;searchterms=${feature.roadmap}`
      return [
        paragraph(
          `This message is associated with Microsoft 365 Roadmap ID <a href="${address}">${feature.roadmap}</a>.`,
        ),
      ]
    },

    reference(): string {
      const address = `https://admin.microsoft.com/#/MessageCenter/:/messages/${announcement}`
      const name = escapeHtml(feature.name)
      return random.pick([
        `We first wrote about “${name}” in <a href="${address}">${announcement}</a>.`,
        `This follows <a href="${address}">${announcement}</a> (${name}).`,
        `The full story of “${name}” stands in message <a href="${address}">${announcement}</a>.`,
      ])
    },

    /** The feature's own advice, by place, with a general sentence after it. */
    advice: (place: number): string => `${feature.prepare[place] ?? feature.prepare[0]} ${random.pick(closings)}`,

    learnMore: (): string =>
      paragraph(
        `${random.pick(['Learn more', 'For details see', 'Documentation'])}: <a href="${family.docs}" target="_blank">${escapeHtml(family.product)}</a>. Settings are in the ${family.adminCenter}.`,
      ),

    picture: (): string =>
      paragraph(
        `<img src="https://mc.content.office.net/images/${feature.roadmap ?? start}.png" alt="${escapeHtml(feature.name)}" width="600"/>`,
      ),

    /** A text that administrators may pass on, as Microsoft offers it for changes that users see. */
    notice: (): readonly string[] =>
      headed('A text you may send to your users', [
        `<blockquote>${paragraph(`<i>${escapeHtml(family.product)}: ${escapeHtml(feature.name)}</i>`)}${paragraph(
          `${random.pick(['Hello,', 'Dear colleagues,', 'Hi everyone 👋,'])}<br>${random.pick(noticeOpenings)} ${periodIn(effective)}:`,
        )}${list(feature.points)}${paragraph(random.pick(noticeClosings))}</blockquote>`,
      ]),

    compliance(): readonly string[] {
      const first = random.between(0, compliance.length - 3)
      const rows = compliance.slice(first, first + random.between(3, compliance.length))
      const cells = rows.map(([question, answer]) => `<tr><td>${question}</td><td>${answer}</td></tr>`).join('')
      return headed('Compliance considerations', [`<table><tbody>${cells}</tbody></table>`])
    },
  }
}

function paragraph(content: string): string {
  return `<p>${content}</p>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
