import pino from 'pino'

export const logger = pino({ name: 'dashboard', level: process.env.LOG_LEVEL || 'info' })
