/** A line of a text. */
interface Line {
  /** Line breaks before it: more than one leave an empty line. */
  readonly breaks: number
  /** What it is indented by, and the bullet or number of an item that begins here. */
  readonly prefix: string
  text: string
  /** How a row, or the beginning of an item, is introduced where it is on one line with others; else undefined. */
  readonly entry: string | undefined
}

/** Deeper, nothing is indented further. */
const maxIndent = 60

/** Writes lines as browsers lay out blocks: of the breaks that two of them want between them, the more are made. */
export class TextLines {
  readonly lines: Line[] = []
  #breaks = 0
  #isSpaced = false
  #indent = ''
  /** Written on the next line in place of the end of the indent: a bullet. */
  #marker = ''
  #entry: string | undefined
  #items = 0

  get isEmpty() {
    return this.lines.length === 0
  }

  /** @param text with single blanks, which count at its ends too */
  write(text: string) {
    if (text.startsWith(' ')) this.#isSpaced = true
    const words = text.trim()
    if (words === '') return
    this.writeAsIs(words)
    this.#isSpaced = text.endsWith(' ')
  }

  writeAsIs(text: string) {
    const last = this.lines.at(-1)
    if (last === undefined || this.#breaks > 0) this.#writeLine(text)
    else last.text += this.#isSpaced ? ` ${text}` : text
    this.#isSpaced = false
  }

  /** A row of a table. */
  writeRow(cells: readonly TextLines[]) {
    const texts = cells.map((cell) => cell.onOneLine())
    if (texts.every((text) => text === '')) return
    this.break(1)
    this.#entry = ''
    this.#writeLine(texts.join(' | '))
    this.break(1)
  }

  /** What was written apart. */
  writeBlock(other: TextLines) {
    this.break(1)
    for (const { breaks, prefix, text, entry } of other.lines) {
      this.break(breaks)
      this.#entry ??= entry
      this.#writeLine(prefix + text)
    }
    this.break(Math.max(other.#breaks, 1))
  }

  #writeLine(text: string) {
    const prefix = this.#indent.slice(0, this.#indent.length - this.#marker.length) + this.#marker
    this.lines.push({ breaks: this.#breaks, prefix, text, entry: this.#entry })
    this.#breaks = 0
    this.#marker = ''
    this.#entry = undefined
  }

  /** What comes next begins a line; with two breaks, a paragraph. */
  break(breaks: number) {
    this.#breaks = Math.max(this.#breaks, breaks)
    this.#isSpaced = false
  }

  /** One break more than there are. */
  addBreak() {
    this.break(this.#breaks + 1)
  }

  /**
   * An item of a list.
   *
   * @param number undefined: it has a bullet
   * @returns ends it
   */
  startItem(number: string | undefined): () => void {
    this.#entry = number === undefined ? '' : `${number}. `
    const label = number === undefined ? '* ' : `${number}. `
    const marker = this.#items === 0 ? ` ${label}` : label
    const end = this.indent(' '.repeat(marker.length), marker)
    this.#items++
    return () => {
      this.#items--
      this.#entry = undefined
      end()
    }
  }

  /**
   * @param marker written on the next line in place of the indent, and as long
   * @returns ends it
   */
  indent(by: string, marker = by): () => void {
    const indent = this.#indent
    if (indent.length + by.length > maxIndent) return () => {}
    this.#indent += by
    this.#marker += marker
    return () => {
      this.#indent = indent
      // Where it has been written, there is none any more.
      this.#marker = this.#marker.slice(0, -marker.length)
    }
  }

  /** All of it on one line; items and rows are told apart. */
  onOneLine(): string {
    let line = ''
    let last = ''
    for (const { text, entry } of this.lines) {
      const words = text.trim()
      if (words === '') continue
      if (last !== '') line += entry !== undefined && !/[:;]$/.test(last) ? '; ' : ' '
      line += (entry ?? '') + words
      last = words
    }
    return line
  }

  toString(): string {
    return this.lines
      .filter(({ text }) => text.trim() !== '')
      .map(({ breaks, prefix, text }, i) => `${i === 0 ? '' : breaks > 1 ? '\n\n' : '\n'}${prefix}${text.trimEnd()}`)
      .join('')
  }
}
