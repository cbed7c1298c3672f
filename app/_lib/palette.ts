/**
 * A shard's colour, from its ordinal alone: the same on every page, in every chart, for ever.
 *
 * Hues run from green to pink and leave out red and amber, which mean harm. Neighbouring ordinals differ in
 * lightness as well as hue, so they stay apart for colour-blind eyes; a shard's name always stands beside it.
 */
type Tone = { hue: number; lift: number; chroma: number }

const TONES: Tone[] = [
  { hue: 256, lift: 0, chroma: 0.16 }, // blue
  { hue: 168, lift: 0.06, chroma: 0.12 }, // green
  { hue: 322, lift: -0.03, chroma: 0.17 }, // magenta
  { hue: 222, lift: 0.09, chroma: 0.11 }, // sky
  { hue: 284, lift: -0.08, chroma: 0.18 }, // indigo
  { hue: 132, lift: 0.08, chroma: 0.13 }, // lime
  { hue: 305, lift: 0.08, chroma: 0.13 }, // lilac
  { hue: 195, lift: -0.04, chroma: 0.09 }, // teal
  { hue: 350, lift: 0.07, chroma: 0.13 }, // pink
  { hue: 262, lift: -0.1, chroma: 0.05 }, // slate
]
const CYCLE_HUE_SHIFT = 11
const CYCLE_LIFT = [0, -0.06, 0.06, -0.03, 0.03, 0]

/** Hue, and lightness per theme, of a shard; exported for the test that keeps red and amber out. */
export function shardTone(ordinal: number): { hue: number; chroma: number; light: number; dark: number } {
  const index = Math.max(0, Math.trunc(ordinal) - 1)
  const tone = TONES[index % TONES.length] as Tone
  const cycle = Math.floor(index / TONES.length)
  const lift = tone.lift + (CYCLE_LIFT[cycle % CYCLE_LIFT.length] as number)
  const span = 230 // 125 to 355 degrees
  const hue = 125 + ((tone.hue - 125 + cycle * CYCLE_HUE_SHIFT) % span)
  return { hue, chroma: tone.chroma, light: 0.56 + lift * 0.7, dark: 0.72 + lift * 0.8 }
}

/** A CSS colour that holds in both themes. */
export function shardColor(ordinal: number): string {
  const { hue, chroma, light, dark } = shardTone(ordinal)
  return `light-dark(oklch(${light.toFixed(3)} ${chroma} ${hue}), oklch(${dark.toFixed(3)} ${chroma} ${hue}))`
}
