import { dateIn, periodIn } from './calendar.ts'
import phrases from './phrases.json' with { type: 'json' }
import { createRandom, type Random } from './random.ts'
import type { Draft, Stage } from './story.ts'
import type { Timeline } from './timeline.ts'

/** The HTML of a post. Random choices depend on its id only. */
export function writeBody(draft: Draft, timeline: Timeline): string {
  const random = createRandom(Number(draft.post.id.slice(2)))
  const note =
    draft.updated === null ? [] : [`<p>Updated ${dateIn(draft.updated)}: ${random.pick(phrases.updates)}</p>`]
  const html = [...note, ...parts[draft.post.stage](draft, createSections(draft, timeline, random), random)].join('\n')
  return draft.post.body.noBreakSpaces === true ? withNoBreakSpaces(html) : html
}

type Sections = ReturnType<typeof createSections>

const parts: Readonly<Record<Stage, (draft: Draft, sections: Sections, random: Random) => readonly string[]>> = {
  preview: ({ feature }, sections, random) => [
    paragraph(`<b>Coming soon to ${sections.product}.</b> ${feature.glimpse} ${random.pick(phrases.thanksForPreview)}`),
    ...sections.roadmap(),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(`<b>Who will notice:</b> ${feature.audience}`),
      list(feature.points),
      ...sections.picture(),
      paragraph(
        'Details are subject to change until general availability, and this message will be replaced by a full announcement then.',
      ),
    ]),
    ...sections.headed('What you can do already', [paragraph(sections.advice(0)), sections.learnMore()]),
    ...sections.questions(5),
    ...sections.compliance(),
  ],

  announcement: ({ feature }, sections, random) => [
    ...sections.headed('Introduction', [paragraph(feature.lede)]),
    ...sections.roadmap(),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(`<b>Who is affected:</b> ${feature.audience}`),
      paragraph('<b>What will happen:</b>'),
      list(feature.points),
      ...sections.picture(),
      paragraph(random.pick(phrases.defaults[feature.kind ?? 'feature'])),
      ...(feature.extra === undefined ? [] : [feature.extra]),
    ]),
    ...sections.headed('What you need to do to prepare', [
      list([...feature.prepare, random.pick(phrases.closings)]),
      ...sections.actBy(),
      sections.learnMore(),
    ]),
    ...sections.licensing(),
    ...sections.questions(6),
    ...sections.notice(),
    ...sections.compliance(),
  ],

  reminder: ({ feature }, sections) => [
    paragraph(`<b>This is a reminder.</b> ${feature.glimpse} ${sections.reference()}`),
    ...sections.when(),
    ...sections.headed('What you need to do to prepare', [
      `<ol>${feature.prepare.map((step) => `<li>${step}</li>`).join('')}</ol>`,
      ...sections.actBy(),
      paragraph(`Not sure whether this concerns you? It concerns: ${feature.audience}`),
      ...sections.picture(),
    ]),
    ...sections.headed('What happens otherwise', [list(feature.points.slice(0, 2)), sections.learnMore()]),
    ...sections.notice(),
    ...sections.questions(5),
    ...sections.compliance(),
  ],

  followUp: ({ feature }, sections) => [
    ...sections.headed('Introduction', [paragraph(feature.follow?.text ?? feature.lede)]),
    paragraph(sections.reference()),
    ...sections.roadmap(),
    ...sections.when(),
    ...sections.headed('How this will affect your organization', [
      paragraph(
        `This concerns the same people as before: ${feature.audience} What was announced remains valid, in particular:`,
      ),
      list(feature.points),
      ...sections.picture(),
    ]),
    ...sections.headed('What you need to do to prepare', [
      paragraph(sections.advice(1)),
      ...sections.actBy(),
      sections.learnMore(),
    ]),
    ...sections.questions(5),
    ...sections.compliance(),
  ],

  completion: ({ feature }, sections, random) => [
    paragraph(`${random.pick(phrases.completions[feature.kind ?? 'feature'])} ${sections.reference()}`),
    list(feature.points),
    ...sections.picture(),
    ...sections.headed('What is left to do', [
      paragraph(feature.prepare.at(-1) ?? ''),
      paragraph(random.pick(phrases.closings)),
      paragraph(random.pick(phrases.support)),
      sections.learnMore(),
    ]),
    ...sections.questions(3),
    ...sections.compliance(),
  ],
}

function createSections({ family, feature, post, start, effective }: Draft, timeline: Timeline, random: Random) {
  const { body: style } = post
  const product = escapeHtml(family.product)
  const heading = (text: string) => paragraph(style.headings === 'brackets' ? `<b>[${text}:]</b>` : `<b>${text}</b>`)
  const headed = (text: string, content: readonly string[]) => [heading(text), ...content]

  return {
    product,
    headed,

    when: (): readonly string[] => headed('When this will happen', timeline.when.map(paragraph)),

    actBy: (): readonly string[] => (timeline.actBy === undefined ? [] : [paragraph(timeline.actBy)]),

    roadmap: (): readonly string[] =>
      (post.roadmapIds ?? []).map((id) =>
        paragraph(
          `This message is associated with Microsoft 365 Roadmap ID <a href="https://www.microsoft.com/microsoft-365/roadmap?filters=&amp;searchterms=${id}" target="_blank" rel="noopener noreferrer">${id}</a>.`,
        ),
      ),

    reference(): string {
      const id = feature.announcedIn ?? post.id
      const link = `<a href="https://admin.microsoft.com/#/MessageCenter/:/messages/${id}" target="_blank">${id}</a>`
      const name = escapeHtml(feature.name)
      return random.pick([
        `We first wrote about “${name}” in ${link}.`,
        `This follows ${link} (${name}).`,
        `The full story of “${name}” stands in message ${link}.`,
      ])
    },

    /** Advice of the feature by index, followed by a general sentence. */
    advice: (place: number): string =>
      `${feature.prepare[place] ?? feature.prepare[0]} ${random.pick(phrases.closings)}`,

    learnMore: (): string =>
      paragraph(
        `${random.pick(['Learn more', 'For details see', 'Documentation'])}: <a href="${family.docs}" target="_blank" rel="noopener noreferrer">${product}</a>. Settings are in the ${family.adminCenter}.`,
      ),

    picture(): readonly string[] {
      if (style.image === undefined) return []
      const alt = style.image === '' ? '' : ` alt="${escapeHtml(style.image)}"`
      return [
        `<p style="text-align:left;"><img src="https://mc.content.office.net/images/${post.id}-${start / 1000}.png"${alt} width="600"></p>`,
      ]
    },

    licensing: (): readonly string[] => headed('Licensing', [paragraph(random.pick(phrases.licensing))]),

    /** Questions and answers; in a long post also a table of situations. */
    questions(count: number): readonly string[] {
      const asked = consecutive(phrases.faq, style.long === true ? phrases.faq.length : count, random)
      const situations = phrases.situations.map(
        ([where = '', what = '']) =>
          `<tr style="height:20px;"><td style="width:240px;padding:4px;border:1px solid;"><p><b>${where}</b></p></td><td style="padding:4px;border:1px solid;"><p>${what}</p><p>${random.pick(phrases.support)}</p><p><i>${random.pick(phrases.closings)}</i></p></td></tr>`,
      )
      return [
        ...headed(
          'Questions and answers',
          asked.map(([question, answer]) => paragraph(`<i>${question}</i><br>${answer}`)),
        ),
        ...(style.long === true
          ? headed('By situation', [
              `<table style="border-collapse:collapse;"><tbody>${situations.join('')}</tbody></table>`,
            ])
          : []),
      ]
    },

    /** A text that administrators may forward to users, as in Microsoft's posts. */
    notice(): readonly string[] {
      if (!random.chance(0.5)) return []
      return headed('A text you may send to your users', [
        `<blockquote>${paragraph(`<i>${product}: ${escapeHtml(feature.name)}</i>`)}${paragraph(
          `${random.pick(['Hello,', 'Dear colleagues,', 'Hi everyone 👋,'])}<br>${random.pick(phrases.noticeOpenings)} ${periodIn(effective)}:`,
        )}${list(feature.points)}${paragraph(random.pick(phrases.noticeClosings))}</blockquote>`,
      ])
    },

    compliance(): readonly string[] {
      if (style.table !== true || feature.extra !== undefined) return []
      const cells = consecutive(phrases.compliance, random.between(3, 5), random)
        .map(([question, answer]) => `<tr><td><p>${question}</p></td><td><p>${answer}</p></td></tr>`)
        .join('')
      return headed('Compliance considerations', [
        `<table><thead><tr><th>Question</th><th>Answer</th></tr></thead><tbody>${cells}</tbody></table>`,
      ])
    },
  }
}

/** Consecutive items from a random start, wrapping around. */
function consecutive<T>(choices: readonly T[], count: number, random: Random): readonly T[] {
  const first = random.between(0, choices.length - 1)
  return [...choices, ...choices].slice(first, first + Math.min(count, choices.length))
}

/** As editors leave them: after bold words, before links and before years, as entities and characters. */
function withNoBreakSpaces(html: string): string {
  return html
    .replaceAll('</b> ', '</b>&nbsp;')
    .replaceAll(': <a ', ':&nbsp;<a ')
    .replaceAll(/ (?=20\d\d\b)/g, '\u00a0')
}

function list(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${item}</li>`).join('\n')}\n</ul>`
}

function paragraph(content: string): string {
  return `<p>${content}</p>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
