/** What the list of calls is narrowed to; kept in the address so that a view can be shared. */
export type HistorySearch = { search?: string; reason?: string; assistantId?: string; gateway?: string; slow?: boolean };
