// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/progress.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace moho::study {
namespace {

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  if (seconds < 3600)
    return fmt::format("{:.0f} min {:02.0f} s", std::floor(seconds / 60), std::fmod(seconds, 60.0));
  return fmt::format("{:.0f} h {:02.0f} min", std::floor(seconds / 3600),
                     std::fmod(seconds, 3600.0) / 60);
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

} // namespace

Progress::Progress(std::string title, std::string unit, std::int64_t total, bool enabled)
    : _title(std::move(title)), _unit(std::move(unit)), _total(total),
      _enabled(enabled && ::isatty(STDERR_FILENO) != 0), _start(std::chrono::steady_clock::now()),
      _last(_start) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (_printed) std::fputs("\r\033[K", stderr);
  _printed = false;
}

void Progress::advance(std::int64_t n) {
  _done += n;
  print();
}

void Progress::note(std::string text) {
  _note = std::move(text);
  print();
}

std::string Progress::line(double seconds) const {
  std::string text = _title + ": " + std::to_string(_done);
  if (_total > 0) text += fmt::format("/{}", _total);
  text += fmt::format(" {}", _unit);
  double const rate = seconds > 0 ? static_cast<double>(_done) / seconds : 0;
  if (rate > 0) text += fmt::format(", {:.3g}/s", rate);
  if (rate > 0 && _total > _done)
    text += fmt::format(", {} left", duration(static_cast<double>(_total - _done) / rate));
  if (!_note.empty()) text += fmt::format(", {}", _note);
  return text;
}

void Progress::print() {
  if (!_enabled) return;
  auto const now = std::chrono::steady_clock::now();
  if (_printed && now - _last < std::chrono::milliseconds(200) && _done != _total) return;
  _last = now;
  _printed = true;
  std::string text = line(std::chrono::duration<double>(now - _start).count());
  text.resize(std::min(text.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
}

} // namespace moho::study
