# cmake -DFROM=folder -DTO=folder -P copy_page.cmake: the page's sources beside the packages that npm has put there. What
# was removed from them goes there, too.
foreach(folder src public test mock)
    file(REMOVE_RECURSE "${TO}/${folder}")
endforeach()
file(COPY "${FROM}/" DESTINATION "${TO}" PATTERN node_modules EXCLUDE PATTERN dist EXCLUDE)
