# How long each schedule may be without a success, reckoned from its expression: the longest time between two of its runs, and a
# margin for a run that is late.

locals {
  schedules = {
    for name, each in try({ for name, each in var.schedules : name => each }, {}) : name => {
      schedule = try(tostring(each.schedule), ""), invocation = try(each.invocation, {}), enabled = try(tobool(each.enabled), true)
    }
  }
  running = { for name, each in local.schedules : name => each.schedule if each.enabled }

  rates = { for name, expression in local.running : name => try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", expression), null) }
  crons = { for name, expression in local.running : name => try(split(" ", one(regex("^cron\\((.*)\\)$", expression))), null) }

  # Minute, hour, day of the month, month, day of the week, year. Days of the week by number, from 1 for Sunday to 7.
  day_numbers = { SUN = "1", MON = "2", TUE = "3", WED = "4", THU = "5", FRI = "6", SAT = "7" }
  week_fields = {
    for name, cron in local.crons : name => try(join("", [
      for word in regexall("[A-Z]{3}|.", upper(cron[4])) : lookup(local.day_numbers, word, word)
    ]), "")
  }
  # The days of the week of a list such as MON-WED,SAT; empty for one day of a month, such as 2#1 or 6L.
  week_days = {
    for name, field in local.week_fields : name => [
      for day in range(1, 8) : day if anytrue([
        for part in split(",", field) :
        (day - tonumber(split("-", part)[0]) + 7) % 7 <= (tonumber(reverse(split("-", part))[0]) - tonumber(split("-", part)[0]) + 7) % 7
      ])
    ] if can(regex("^[1-7](-[1-7])?(,[1-7](-[1-7])?)*$", field))
  }

  # The hours of the day; for a form that is not known, one.
  day_hours = {
    for name, cron in local.crons : name => (
      try(cron[1], "") == "*" ? range(24) :
      can(regex("^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", cron[1])) ? [
        for hour in range(24) : hour if anytrue([
          for part in split(",", cron[1]) :
          (hour - tonumber(split("-", part)[0]) + 24) % 24 <= (tonumber(reverse(split("-", part))[0]) - tonumber(split("-", part)[0]) + 24) % 24
        ])
      ] : try(range(0, 24, tonumber(one(regex("^[*0]/([0-9]+)$", cron[1])))), [0])
    )
  }

  # The most days from one with runs to the next. Null for some months or years only, of which nobody can say how far apart they
  # are.
  gap_days = {
    for name, cron in local.crons : name => (
      try(length(cron), 0) != 6 ? 0 : cron[3] != "*" || cron[5] != "*" ? null :
      !contains(["*", "?"], cron[2]) ? 31 : contains(["*", "?"], cron[4]) ? 1 :
      contains(keys(local.week_days), name) ? max([
        for index, day in local.week_days[name] : (element(local.week_days[name], index + 1) - day + 6) % 7 + 1
      ]...) : 35
    )
  }
  gap_hours = {
    for name, days in local.gap_days : name => (
      local.rates[name] != null ? try(tonumber(local.rates[name][0]) * { minute = 1, hour = 60, day = 1440 }[local.rates[name][1]] / 60, 0) :
      days == null ? null : days == 0 ? 0 : max([
        for index, hour in local.day_hours[name] : index + 1 < length(local.day_hours[name]) ? local.day_hours[name][index + 1] - hour : 24 * days + local.day_hours[name][0] - hour
      ]...)
    )
  }

  # A day or more apart, two runs are an hour farther apart in the night in which summer time ends.
  silence_hours = {
    for name, gap in local.gap_hours : name => (
      var.longest_gap_hours != null ? var.longest_gap_hours :
      gap == null ? null : gap + var.jitter_minutes / 60 + (gap >= 168 ? 24 : gap >= 24 ? 2 : min(2 * gap, 1))
    )
  }
}
