/** The queue of the floor: plain BullMQ, default options. */
export const QUEUE = 'raw'
