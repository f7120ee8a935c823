# How long each schedule pauses at most between two runs, reckoned from its cron expression; a success that is longer ago than that
# is missing (silence.tf).

locals {
  watched = { for key, each in local.schedules : key => each if each.enabled && var.longest_gap_hours != 0 }

  # The fields: minute, hour, day of the month, month, day of the week, of which 7 is Sunday too: differences are the same.
  cron_spans = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 6]]
  cron_names = {
    JAN = 1, FEB = 2, MAR = 3, APR = 4, MAY = 5, JUN = 6, JUL = 7, AUG = 8, SEP = 9, OCT = 10, NOV = 11, DEC = 12
    SUN = 0, MON = 1, TUE = 2, WED = 3, THU = 4, FRI = 5, SAT = 6
  }

  # The numbers that each field stands for, as texts of two digits, which sort as numbers do: 7-9,MON/2 and the like.
  cron_parts = { for key, each in local.watched : key => [
    for place, field in split(" ", upper(each.schedule)) : [
      for part in split(",", field) : merge(
        regex("^(?P<first>[0-9A-Z*]+)(?:-(?P<last>[0-9A-Z]+))?(?:/(?P<step>[0-9]+))?$", part), { span = local.cron_spans[place] },
      )
    ]
  ] }
  cron_bounds = { for key, fields in local.cron_parts : key => [
    for parts in fields : [
      for part in parts : {
        first = part.first == "*" ? part.span[0] : try(tonumber(part.first), local.cron_names[part.first])
        last = (
          part.last != null ? try(tonumber(part.last), local.cron_names[part.last]) :
          part.first == "*" || part.step != null ? part.span[1] : try(tonumber(part.first), local.cron_names[part.first])
        )
        step = part.step == null ? 1 : tonumber(part.step)
      }
    ]
  ] }
  cron_numbers = { for key, fields in local.cron_bounds : key => [
    for bounds in fields : [
      for text in sort(distinct(flatten([
        for each in bounds : [
          for number in range(each.first, each.last + 1, each.step) : format("%02d", number)
        ]
      ]))) : tonumber(text)
    ]
  ] }

  # The longest gap in days: between two days of the week, of the month (of which a 29th is not in every one), and of the year.
  # Where both kinds of days are given, a run on either is enough, and the longer gap is the safe one.
  weekday_gaps = { for key, fields in local.cron_numbers : key => max([
    for place, day in fields[4] : (fields[4][(place + 1) % length(fields[4])] - day + 6) % 7 + 1
  ]...) }
  sure_days = { for key, fields in local.cron_numbers : key => [for day in fields[2] : day if day <= 28] }
  date_gaps = { for key, fields in local.cron_numbers : key => (
    length(fields[2]) == 31 ? 1 :
    length(local.sure_days[key]) == 0 ? 62 :
    max([for place, day in local.sure_days[key] : try(local.sure_days[key][place + 1], local.sure_days[key][0] + 31) - day]...)
  ) }
  month_gaps = { for key, fields in local.cron_numbers : key => max([
    for place, month in fields[3] : (fields[3][(place + 1) % length(fields[3])] - month + 11) % 12 + 1
  ]...) }
  day_gaps = { for key in keys(local.watched) : key =>
    (local.month_gaps[key] - 1) * 31 + max(local.weekday_gaps[key], local.date_gaps[key])
  }

  # And in minutes: within a day, and from the last run of a day to the first one of the next.
  minutes_of_day = { for key, fields in local.cron_numbers : key => flatten([for hour in fields[1] : [for minute in fields[0] : hour * 60 + minute]]) }
  gap_hours = { for key, minutes in local.minutes_of_day : key => max([
    for place, minute in minutes : try(minutes[place + 1], minutes[0] + local.day_gaps[key] * 1440) - minute
  ]...) / 60 }
}
