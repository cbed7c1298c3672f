'use client'

import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconMoon, IconSun } from '@tabler/icons-react'
import bar from './bar-button.module.css'
import { useInBrowser } from './clock.tsx'

/** Follows the system until pressed; the choice is remembered by the browser. */
export function ThemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const inBrowser = useInBrowser()
  const dark = inBrowser && scheme === 'dark'
  const Icon = dark ? IconSun : IconMoon
  return (
    <button
      type="button"
      className={bar.button}
      data-look="icon"
      aria-label={dark ? 'Use the light theme' : 'Use the dark theme'}
      onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
    >
      <Icon size={17} stroke={1.8} aria-hidden="true" />
    </button>
  )
}
